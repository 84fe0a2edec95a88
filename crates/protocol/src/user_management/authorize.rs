//! `GET /user_management/authorize`. As with the OAuth request, errors found before the redirect URI is proven and
//! errors found after it are different types, and only the latter can be sent to the application.

use crate::id::OrganizationId;
use crate::oauth::authorize::decision::{Progress, SignedIn, is_fresh};
use crate::oauth::authorize::redirect::{ProvenRedirect, prove_listed};
use crate::oauth::authorize::request::Prompt;
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::redirect_uri::is_private_use;
use crate::time::Timestamp;

/// The maximum length of `state`: web framework SDKs seal the data they need into it.
const MAX_STATE_LENGTH: usize = 4096;
/// The maximum length of the other texts that are carried along.
const MAX_LENGTH: usize = 254;

/// Every parameter that is read.
const PARAMETERS: [&str; 14] = [
    "client_id",
    "redirect_uri",
    "state",
    "response_type",
    "provider",
    "connection_id",
    "organization_id",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "invitation_token",
    "screen_hint",
];

/// External identity providers. There are no connections to any of them yet.
const PROVIDERS: [&str; 17] = [
    "AppleOAuth",
    "BitbucketOAuth",
    "DiscordOAuth",
    "GitHubOAuth",
    "GitLabOAuth",
    "GoogleOAuth",
    "GrokOAuth",
    "IntuitOAuth",
    "LinkedInOAuth",
    "MicrosoftOAuth",
    "SalesforceOAuth",
    "SlackOAuth",
    "VercelMarketplaceOAuth",
    "VercelOAuth",
    "XOAuth",
    "XeroOAuth",
    "TestIdp",
];

/// The error codes that are sent to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is invalid.
    InvalidRequest,
    /// A response type other than `code`.
    UnsupportedResponseType,
    /// Denied by the user or by a policy.
    AccessDenied,
    /// There is no such connection.
    ConnectionInvalid,
    /// No sign-in method is named, or more than one, or an unknown one.
    InvalidConnectionSelector,
    /// There is no such organization, or it has no connection.
    OrganizationInvalid,
    /// `prompt=none`, but nobody is signed in.
    LoginRequired,
    /// `prompt=none`, but the user would have to make a choice.
    InteractionRequired,
    /// The invitation cannot be accepted.
    InvitationInvalid,
    /// The invitation is for a different user.
    InvitationForSomebodyElse,
}

impl ErrorCode {
    /// The code as sent on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::ConnectionInvalid => "connection_invalid",
            Self::InvalidConnectionSelector => "invalid_connection_selector",
            Self::OrganizationInvalid => "organization_invalid",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::InvitationInvalid => "invitation_invalid",
            Self::InvitationForSomebodyElse => "invitation_cannot_be_used_for_email",
        }
    }
}

/// Where a response goes, and the state it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnAddress {
    /// The proven redirect URI.
    pub redirect: ProvenRedirect,
    /// The application's own state, returned unchanged.
    pub state: Option<String>,
}

impl ReturnAddress {
    fn with<'a>(&'a self, mut parameters: Vec<(&'a str, &'a str)>) -> String {
        if let Some(state) = &self.state {
            parameters.push(("state", state));
        }
        self.redirect.with_query(&parameters)
    }

    /// The URL for a response with a code.
    pub fn with_code(&self, code: &str) -> String {
        self.with(vec![("code", code)])
    }

    /// The URL for an error response.
    pub fn with_error(&self, code: ErrorCode, description: &str) -> String {
        self.with(vec![("error", code.as_str()), ("error_description", description)])
    }
}

/// Why a request fails, and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The user is told on a page: the redirect URI is missing or not one of the application's.
    ToThePerson,
    /// The application receives an error.
    ToTheClient(ReturnAddress, ErrorCode, String),
}

/// A request whose redirect URI and parameters are valid. Nothing has been decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Where the response goes.
    pub return_address: ReturnAddress,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// The requested prompts.
    pub prompt: Prompt,
    /// The maximum age of the user's sign-in, in seconds.
    pub max_age: Option<i64>,
    /// A hint about who will sign in.
    pub login_hint: Option<String>,
    /// The requested organization.
    pub organization_id: Option<OrganizationId>,
    /// The invitation being accepted.
    pub invitation_token: Option<String>,
    /// Whether the user probably needs to create an account first.
    pub sign_up: bool,
}

/// The query string as it is stored: exactly as written, without the parameters that are never read.
pub fn without_unknown(query: &str) -> String {
    Params::keep_only(query, &PARAMETERS)
}

/// Reads an authorization request of an application with these redirect URIs.
///
/// # Errors
/// See [`Refusal`].
pub fn read<'u>(
    params: &Params<'_>,
    redirect_uris: impl IntoIterator<Item = &'u str>,
) -> Result<AuthorizeRequest, Refusal> {
    let redirect = params.get("redirect_uri").and_then(|uri| prove_listed(redirect_uris, uri));
    let redirect = redirect.ok_or(Refusal::ToThePerson)?;
    let state = params.get("state").map(str::to_owned);
    let too_long = state.as_ref().is_some_and(|state| state.len() > MAX_STATE_LENGTH);
    let return_address = ReturnAddress { redirect, state: state.filter(|_| !too_long) };
    let refuse = |code: ErrorCode, why: &str| Err(Refusal::ToTheClient(return_address.clone(), code, why.to_owned()));
    if too_long {
        return refuse(ErrorCode::InvalidRequest, "The state is too long.");
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return refuse(ErrorCode::UnsupportedResponseType, "The response_type must be code."),
        None => return refuse(ErrorCode::InvalidRequest, "The parameter 'response_type' is missing."),
    }
    if let Err((code, why)) = read_selector(params) {
        return refuse(code, why);
    }
    let code_challenge = match CodeChallenge::read(params.get("code_challenge"), params.get("code_challenge_method")) {
        Ok(challenge) => challenge,
        Err(error) => return refuse(ErrorCode::InvalidRequest, &error.description),
    };
    // Other programs on the device may claim the same scheme and would then receive the code (RFC 8252 §8.1).
    if code_challenge.is_none() && is_private_use(return_address.redirect.as_str()) {
        return refuse(
            ErrorCode::InvalidRequest,
            "With a private-use scheme a code_challenge is needed (RFC 8252 §6).",
        );
    }
    let max_age = match params.get("max_age").map(str::parse::<u32>) {
        None => None,
        Some(Ok(seconds)) => Some(i64::from(seconds)),
        Some(Err(_)) => return refuse(ErrorCode::InvalidRequest, "The max_age is not a number of seconds."),
    };
    let prompt = read_prompt(params.get("prompt").unwrap_or(""));
    if prompt.none && (prompt.login || prompt.select_account || max_age == Some(0)) {
        return refuse(ErrorCode::InvalidRequest, "The prompt 'none' cannot be combined with a request for a page.");
    }
    let organization_id = match params.get("organization_id").map(OrganizationId::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return refuse(ErrorCode::OrganizationInvalid, "There is no such organization."),
    };
    let short = |name: &str| params.get(name).filter(|text| text.len() <= MAX_LENGTH).map(str::to_owned);
    Ok(AuthorizeRequest {
        code_challenge,
        prompt,
        max_age,
        login_hint: short("login_hint"),
        organization_id,
        invitation_token: short("invitation_token"),
        sign_up: params.get("screen_hint") == Some("sign-up"),
        return_address,
    })
}

/// Checks that exactly one sign-in method is named. Only the hosted pages are available until there are connections.
fn read_selector(params: &Params<'_>) -> Result<(), (ErrorCode, &'static str)> {
    use ErrorCode as Code;
    match (params.get("provider"), params.get("connection_id"), params.get("organization_id")) {
        (Some("authkit"), None, _) => Ok(()),
        (Some(provider), None, None) if PROVIDERS.contains(&provider) => {
            Err((Code::ConnectionInvalid, "There is no connection to this provider."))
        }
        (Some(_), None, None) => Err((Code::InvalidConnectionSelector, "The provider is not known.")),
        (None, Some(_), None) => Err((Code::ConnectionInvalid, "There is no such connection.")),
        (None, None, Some(_)) => Err((
            Code::OrganizationInvalid,
            "The organization has no connection. Send provider=authkit with it to sign in through the hosted pages.",
        )),
        _ => Err((
            Code::InvalidConnectionSelector,
            "Send exactly one of provider, connection_id and organization_id; with provider=authkit also organization_id.",
        )),
    }
}

/// Unknown values are ignored.
fn read_prompt(text: &str) -> Prompt {
    let has = |wanted: &str| text.split(' ').any(|word| word == wanted);
    Prompt {
        none: has("none"),
        login: has("login"),
        // The environment's own application needs no consent.
        consent: false,
        select_account: has("select_account"),
        // `screen_hint` serves this purpose here.
        create: false,
    }
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The user signs in.
    SignIn,
    /// The user selects the account to continue with.
    ChooseAccount,
    /// The user selects an organization.
    ChooseOrganization,
    /// A code is issued.
    Issue {
        /// The organization it is issued for.
        organization_id: Option<OrganizationId>,
    },
    /// The application receives an error.
    Refuse(ErrorCode, &'static str),
}

/// Determines whether the user must first sign in or select an account.
pub fn first(
    request: &AuthorizeRequest,
    signed_in: Option<SignedIn>,
    progress: Progress,
    now: Timestamp,
) -> Result<SignedIn, Next> {
    let fresh = |who: &SignedIn| is_fresh((request.prompt, request.max_age), who, progress, now);
    let Some(signed_in) = signed_in.filter(fresh) else {
        return Err(if request.prompt.none {
            Next::Refuse(ErrorCode::LoginRequired, "Nobody is signed in.")
        } else {
            Next::SignIn
        });
    };
    let just_signed_in = progress.began_at.is_some_and(|began| signed_in.authenticated_at >= began);
    if request.prompt.select_account && !progress.account_chosen && !just_signed_in {
        return Err(Next::ChooseAccount);
    }
    Ok(signed_in)
}

/// Determines the organization a code is issued for. `memberships` are the organizations in which the user is an active
/// member; `invited` is the one the user has just joined through an invitation.
pub fn then(
    request: &AuthorizeRequest,
    signed_in: SignedIn,
    progress: Progress,
    memberships: &[OrganizationId],
    invited: Option<OrganizationId>,
) -> Next {
    let member = |id: OrganizationId| memberships.contains(&id);
    let last = signed_in.organization_id.filter(|last| member(*last) && !request.prompt.select_account);
    let chosen = progress.organization_chosen.filter(|chosen| member(*chosen));
    match (request.organization_id, invited.filter(|id| member(*id)), memberships) {
        (Some(wanted), _, _) if member(wanted) => Next::Issue { organization_id: Some(wanted) },
        (Some(_), _, _) => Next::Refuse(ErrorCode::AccessDenied, "The person does not belong to this organization."),
        (None, Some(invited), _) => Next::Issue { organization_id: Some(invited) },
        (None, None, []) => Next::Issue { organization_id: None },
        (None, None, [only]) => Next::Issue { organization_id: Some(*only) },
        (None, None, _) => match chosen.or(last) {
            Some(id) => Next::Issue { organization_id: Some(id) },
            None if request.prompt.none => {
                Next::Refuse(ErrorCode::InteractionRequired, "The person would have to choose an organization.")
            }
            None => Next::ChooseOrganization,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    const URIS: [&str; 3] = ["https://a.example/cb?k=v", "http://localhost:*/cb", "com.example.app:/cb"];
    const GOOD: &str = "redirect_uri=http://localhost:3000/cb&response_type=code&provider=authkit&state=s1";

    fn ask(query: &str) -> Result<AuthorizeRequest, Refusal> {
        read(&Params::from_form(query.as_bytes()).unwrap(), URIS)
    }

    fn refused(query: &str) -> ErrorCode {
        match ask(query) {
            Err(Refusal::ToTheClient(address, code, why)) => {
                assert_eq!(address.redirect.as_str(), "http://localhost:3000/cb");
                assert!(!why.is_empty());
                code
            }
            other => panic!("{query}: {other:?}"),
        }
    }

    fn org(number: u128) -> OrganizationId {
        OrganizationId::from_ulid(number)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    #[test]
    fn a_program_that_claims_a_scheme_proves_that_the_code_is_its_own() {
        let query = GOOD.replace("http://localhost:3000/cb", "com.example.app:/cb");
        match ask(&query) {
            Err(Refusal::ToTheClient(address, ErrorCode::InvalidRequest, _)) => {
                assert_eq!(address.redirect.as_str(), "com.example.app:/cb");
            }
            other => panic!("{other:?}"),
        }
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let request = ask(&format!("{query}&code_challenge={challenge}&code_challenge_method=S256")).unwrap();
        assert_eq!(request.return_address.with_code("c"), "com.example.app:/cb?code=c&state=s1");
    }

    #[test]
    fn what_is_not_asked_for_has_its_usual_meaning() {
        let request = ask(GOOD).unwrap();
        assert_eq!(request.prompt, Prompt::default());
        assert!(!request.sign_up && request.max_age.is_none() && request.code_challenge.is_none());
        let more =
            ask(&format!("{GOOD}&screen_hint=sign-up&max_age=5&prompt=dance+login&login_hint=a@b.co&claim_nonce=1"));
        let more = more.unwrap();
        assert!(more.sign_up && more.prompt.login && more.max_age == Some(5));
        assert_eq!(more.login_hint.as_deref(), Some("a@b.co"));
    }

    #[test]
    fn there_is_exactly_one_way_to_sign_in() {
        use ErrorCode as Code;
        let with = |selector: &str| GOOD.replace("provider=authkit", selector);
        let organization = "organization_id=org_00000000000000000000000001";
        assert_eq!(ask(&with(&format!("provider=authkit&{organization}"))).unwrap().organization_id, Some(org(1)));
        for (selector, code) in [
            ("x=1", Code::InvalidConnectionSelector),
            ("provider=GoogleOAuth", Code::ConnectionInvalid),
            ("provider=Nobody", Code::InvalidConnectionSelector),
            ("connection_id=conn_1", Code::ConnectionInvalid),
            (organization, Code::OrganizationInvalid),
            ("provider=authkit&connection_id=conn_1", Code::InvalidConnectionSelector),
            ("provider=GoogleOAuth&connection_id=conn_1", Code::InvalidConnectionSelector),
            ("connection_id=conn_1&organization_id=org_1", Code::InvalidConnectionSelector),
            ("provider=authkit&organization_id=org_1", Code::OrganizationInvalid),
        ] {
            assert_eq!(refused(&with(selector)), code, "{selector}");
        }
    }

    #[test]
    fn errors_after_the_proof_go_to_the_application() {
        use ErrorCode as Code;
        assert_eq!(refused(&GOOD.replace("=code", "=token")), Code::UnsupportedResponseType);
        assert_eq!(refused(&GOOD.replace("&response_type=code", "")), Code::InvalidRequest);
        for more in [
            "max_age=-1",
            "code_challenge=x",
            "code_challenge_method=S256",
            "prompt=none+login",
            "prompt=none&max_age=0",
        ] {
            assert_eq!(refused(&format!("{GOOD}&{more}")), Code::InvalidRequest, "{more}");
        }
        assert_eq!(refused(&GOOD.replace("s1", &"s".repeat(4097))), Code::InvalidRequest);
        assert!(ask(&GOOD.replace("s1", &"s".repeat(4096))).is_ok());
    }

    #[test]
    fn threat_28_errors_before_the_proof_go_nowhere() {
        for bad in [
            GOOD.replace("localhost:3000", "evil.example"),
            GOOD.replace("redirect_uri=http://localhost:3000/cb&", ""),
            GOOD.replace("/cb", "/cb/"),
            GOOD.replace("localhost:3000", "localhost:*"),
        ] {
            assert_eq!(ask(&bad), Err(Refusal::ToThePerson), "{bad}");
        }
    }

    #[test]
    fn answers_carry_the_state_as_it_came() {
        let request = ask(&GOOD.replace("s1", "a%2Bb%2F%3D%26code%3Dx")).unwrap();
        let url = url::Url::parse(&request.return_address.with_code("C")).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("code".into(), "C".into()), ("state".into(), "a+b/=&code=x".to_owned())]);
    }

    fn somebody(last: Option<u128>) -> SignedIn {
        SignedIn {
            user_id: Id::from_ulid(7),
            authenticated_at: at(1000),
            organization_id: last.map(org),
            has_many: false,
        }
    }

    fn first_step(more: &str, signed_in: Option<SignedIn>, progress: Progress) -> Result<SignedIn, Next> {
        first(&ask(&format!("{GOOD}{more}")).unwrap(), signed_in, progress, at(1100))
    }

    #[test]
    fn who_is_signed_in_is_not_asked_again_without_a_reason() {
        let here = somebody(None);
        let nothing = Progress::default();
        assert_eq!(first_step("", Some(here), nothing), Ok(here));
        assert_eq!(first_step("", None, nothing), Err(Next::SignIn));
        assert_eq!(first_step("&prompt=login", Some(here), nothing), Err(Next::SignIn));
        assert_eq!(first_step("&max_age=0", Some(here), nothing), Err(Next::SignIn));
        assert_eq!(first_step("&max_age=101", Some(here), nothing), Ok(here));
        assert_eq!(first_step("&prompt=select_account", Some(here), nothing), Err(Next::ChooseAccount));
        let began = Progress { began_at: Some(at(999)), ..nothing };
        for more in ["&prompt=login", "&max_age=0", "&prompt=select_account"] {
            assert_eq!(first_step(more, Some(here), began), Ok(here), "{more}: signed in within this flow");
        }
        let quiet = first_step("&prompt=none", None, nothing);
        assert!(matches!(quiet, Err(Next::Refuse(ErrorCode::LoginRequired, _))));
    }

    #[test]
    fn the_organization_is_chosen_when_there_is_a_choice() {
        let decide = |more: &str, last, chosen: Option<u128>, memberships: &[u128], invited: Option<u128>| {
            let progress = Progress { organization_chosen: chosen.map(org), ..Progress::default() };
            let memberships: Vec<_> = memberships.iter().map(|number| org(*number)).collect();
            let request = ask(&format!("{GOOD}{more}")).unwrap();
            then(&request, somebody(last), progress, &memberships, invited.map(org))
        };
        let issue = |number: Option<u128>| Next::Issue { organization_id: number.map(org) };
        let wanted = "&organization_id=org_00000000000000000000000001";
        assert_eq!(decide("", None, None, &[], None), issue(None));
        assert_eq!(decide("", None, None, &[1], None), issue(Some(1)));
        assert_eq!(decide("", None, None, &[1, 2], None), Next::ChooseOrganization);
        assert_eq!(decide("", Some(2), None, &[1, 2], None), issue(Some(2)));
        assert_eq!(decide("", Some(2), Some(1), &[1, 2], None), issue(Some(1)));
        assert_eq!(decide("", Some(3), Some(4), &[1, 2], None), Next::ChooseOrganization);
        assert_eq!(decide("&prompt=select_account", Some(2), None, &[1, 2], None), Next::ChooseOrganization);
        assert_eq!(decide(wanted, Some(2), None, &[1, 2], Some(2)), issue(Some(1)));
        assert_eq!(decide("", Some(1), None, &[1, 2], Some(2)), issue(Some(2)));
        assert!(matches!(decide(wanted, None, None, &[2], None), Next::Refuse(ErrorCode::AccessDenied, _)));
        assert!(matches!(
            decide("&prompt=none", None, None, &[1, 2], None),
            Next::Refuse(ErrorCode::InteractionRequired, _)
        ));
    }

    proptest! {
        #[test]
        fn nothing_is_issued_for_an_organization_the_person_has_left(
            memberships in proptest::collection::vec(1_u128..5, 0..3), chosen in proptest::option::of(1_u128..5),
            last in proptest::option::of(1_u128..5), invited in proptest::option::of(1_u128..5), wanted: bool,
        ) {
            let more = if wanted { "&organization_id=org_00000000000000000000000001" } else { "" };
            let request = ask(&format!("{GOOD}{more}")).unwrap();
            let memberships: Vec<_> = memberships.into_iter().map(org).collect();
            let progress = Progress { organization_chosen: chosen.map(org), ..Progress::default() };
            if let Next::Issue { organization_id } = then(&request, somebody(last), progress, &memberships, invited.map(org)) {
                prop_assert_eq!(organization_id.is_none(), memberships.is_empty());
                prop_assert!(organization_id.is_none_or(|id| memberships.contains(&id)));
                prop_assert!(!wanted || organization_id == Some(org(1)));
            }
        }

        #[test]
        fn threat_28_noise_is_sent_nowhere_but_to_a_listed_uri(query in "(redirect_uri=https://a.example/cb%3Fk%3Dv&)?[a-z_]{1,12}=[\\PC&&[^&]]{0,20}(&(provider|prompt|max_age|state)=\\PC{0,20}){0,4}") {
            if let Ok(params) = Params::from_form(query.as_bytes()) {
                let address = match read(&params, URIS) {
                    Ok(request) => request.return_address,
                    Err(Refusal::ToTheClient(address, ..)) => address,
                    Err(Refusal::ToThePerson) => return Ok(()),
                };
                prop_assert!(address.with_code("c").starts_with("https://a.example/cb?k=v&code=c"));
            }
        }
    }
}
