//! The steps required before a code is issued: sign-in, account or organization selection, consent. Decided afresh each
//! time the browser returns, from the state at that moment.

use super::request::{AuthorizeErrorCode, AuthorizeRequest, Prompt, ReturnAddress};
use crate::id::{ConsentId, OrganizationId, UserId};
use crate::model::{ApplicationKind, ClientType, Ownership};
use crate::oauth::client::Client;
use crate::oauth::registration::redirect_policy::{is_loopback, stays_on_the_device};
use crate::time::Timestamp;

/// The signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// When the user last authenticated.
    pub authenticated_at: Timestamp,
    /// The organization the user last selected.
    pub organization_id: Option<OrganizationId>,
    /// The user belongs to more organizations than a page lists, so one must be searched for before consent.
    pub has_many: bool,
}

/// The user that a request's `id_token_hint` identifies (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hinted {
    /// The request has no hint.
    #[default]
    Nobody,
    /// The hint was not issued to this client here, or is too old to be verified.
    Unverifiable,
    /// The signed-in user.
    WhoIsSignedIn,
    /// A different user, or nobody is signed in.
    SomebodyElse,
}

/// The steps the user has already completed in this flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// When the flow started; a sign-in since then satisfies `prompt=login` and `max_age`.
    pub began_at: Option<Timestamp>,
    /// Whether the account has been selected.
    pub account_chosen: bool,
    /// The organization selected in this flow.
    pub organization_chosen: Option<OrganizationId>,
    /// Whether the user has just consented.
    pub agreed: bool,
}

/// A consent the user gave earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenConsent {
    /// The consent's identifier.
    pub id: ConsentId,
    /// The organization it applies to.
    pub organization_id: Option<OrganizationId>,
    /// The scopes consented to.
    pub scopes: Vec<String>,
    /// Whether the options chosen then are still offered, for every choice there is to make.
    pub still_offered: bool,
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
    /// The user learns, on a page of ours, that they are not a member of the requested organization.
    NotAMember,
    /// The user is asked for consent, with this organization preselected.
    AskConsent {
        /// The preselected organization.
        organization_id: Option<OrganizationId>,
    },
    /// A code is issued.
    Issue {
        /// The organization it is issued for.
        organization_id: Option<OrganizationId>,
    },
    /// The client receives an error.
    Refuse(AuthorizeErrorCode, &'static str),
}

const WOULD_HAVE_TO_AGREE: &str = "The person would have to give consent.";

/// Whether an application needs the user's consent.
pub fn needs_consent(client: &Client) -> bool {
    !matches!(client.application.kind, ApplicationKind::OAuth { ownership: Ownership::FirstParty, .. })
}

/// Whether any program on the user's device could have sent the request in this client's name and would receive the
/// response: only the user can tell whether it was the intended one (RFC 8252 §8.6). A confidential client
/// authenticates afterwards.
pub fn any_local_program_may_receive(client: &Client, redirect_uri: &str) -> bool {
    client.client_type() == ClientType::Public && stays_on_the_device(redirect_uri)
}

/// Whether all requested scopes are covered by the given ones.
pub fn covers(given: &[String], asked: &[String]) -> bool {
    asked.iter().all(|scope| given.contains(scope))
}

/// Whether errors must stay on our own page: anyone can register a client, and one without consent must not make this
/// server redirect users anywhere it likes (RFC 9700 §4.11.2) or launch programs through their URI schemes. Redirects
/// back to a program listening on the user's own device are allowed.
pub fn must_not_redirect_out(client: &Client, address: &ReturnAddress) -> bool {
    client.registered.is_some() && !is_loopback(address.redirect.as_str())
}

/// Determines the next step. `memberships` are organizations in which the user is an active member: all of them or, if
/// there are many, a subset that includes every one named here. `consents` are the user's consents for this
/// application.
pub fn next(
    request: &AuthorizeRequest,
    client: &Client,
    (signed_in, hinted): (Option<SignedIn>, Hinted),
    progress: Progress,
    memberships: &[OrganizationId],
    consents: &[GivenConsent],
    now: Timestamp,
) -> Next {
    let quiet = request.prompt.none;
    if hinted == Hinted::Unverifiable {
        // Before the user signs in for nothing. With `prompt=none` the client expects `login_required` and then retries
        // interactively.
        let code = if quiet { AuthorizeErrorCode::LoginRequired } else { AuthorizeErrorCode::InvalidRequest };
        return Next::Refuse(
            code,
            "The id_token_hint was not issued to this client, or is too old to be verified. Ask again without it.",
        );
    }
    let in_this_flow = |who: &SignedIn| progress.began_at.is_some_and(|began| who.authenticated_at >= began);
    // The hint names the expected user: anyone else counts as not signed in (OpenID Connect Core §3.1.2.2).
    let is_meant = |who: &SignedIn| {
        hinted != Hinted::SomebodyElse && is_fresh((request.prompt, request.max_age), who, progress, now)
    };
    let Some(signed_in) = signed_in.filter(is_meant) else {
        return match signed_in.filter(in_this_flow) {
            _ if quiet => Next::Refuse(AuthorizeErrorCode::LoginRequired, "Nobody is signed in."),
            // Asking for another sign-in could loop forever.
            Some(_) => Next::Refuse(
                AuthorizeErrorCode::LoginRequired,
                "The person who signed in is not the one that the id_token_hint names.",
            ),
            None => Next::SignIn,
        };
    };
    let just_signed_in = in_this_flow(&signed_in);
    if request.prompt.select_account && !progress.account_chosen && !just_signed_in {
        return Next::ChooseAccount;
    }
    let member = |id: OrganizationId| memberships.contains(&id);
    let asks = needs_consent(client);
    let agreed_for = |organization_id: Option<OrganizationId>| {
        asks && consents
            .iter()
            .filter(|consent| consent.organization_id == organization_id && consent.still_offered)
            .any(|consent| covers(&consent.scopes, &request.scopes))
    };
    let consented_for = |wanted: OrganizationId| consents.iter().any(|one| one.organization_id == Some(wanted));
    let anybody = any_local_program_may_receive(client, request.return_address.redirect.as_str());
    let asks_anew = request.prompt.consent || anybody;
    let organization_id = match (request.organization_id, progress.organization_chosen, memberships) {
        (Some(wanted), _, _) if member(wanted) => Some(wanted),
        // A third-party application that the user never allowed to act for this organization must not learn from the
        // answer whether the user is a member: members get the consent page, everyone else a page as well.
        (Some(wanted), _, _) if asks && !progress.agreed && !consented_for(wanted) => {
            return match quiet {
                true => Next::Refuse(AuthorizeErrorCode::ConsentRequired, WOULD_HAVE_TO_AGREE),
                false => Next::NotAMember,
            };
        }
        (Some(_), _, _) => {
            return Next::Refuse(AuthorizeErrorCode::AccessDenied, "The person does not belong to this organization.");
        }
        (None, Some(chosen), _) if member(chosen) => Some(chosen),
        (None, _, []) => None,
        (None, _, [only]) => Some(*only),
        (None, _, [first, ..]) => {
            let remembers = !request.prompt.select_account;
            let last = signed_in.organization_id.filter(|last| remembers && member(*last));
            let agreed: Vec<_> = memberships.iter().copied().filter(|id| agreed_for(Some(*id))).collect();
            let picked = match (last, agreed.as_slice()) {
                // In first-party applications, users move between organizations.
                (Some(last), agreed) if agreed.is_empty() || agreed.contains(&last) => Some(last),
                // For a third-party application, the organization the user consented for applies, whichever one is
                // active now.
                (_, [only]) if remembers => Some(*only),
                (_, [_, ..]) if !asks_anew => None,
                // The consent page has its own organization picker.
                (last, _) if asks && !quiet && !progress.agreed && !signed_in.has_many => last.or(Some(*first)),
                (last, _) => last,
            };
            match picked {
                Some(picked) => Some(picked),
                None if quiet => {
                    return Next::Refuse(
                        AuthorizeErrorCode::InteractionRequired,
                        "The person would have to choose an organization.",
                    );
                }
                None => return Next::ChooseOrganization,
            }
        }
    };
    let agreed = !asks || progress.agreed || (agreed_for(organization_id) && !asks_anew);
    match (agreed, quiet) {
        (true, _) => Next::Issue { organization_id },
        (false, true) => Next::Refuse(AuthorizeErrorCode::ConsentRequired, WOULD_HAVE_TO_AGREE),
        // In that case the consent page cannot offer a picker.
        (false, false)
            if signed_in.has_many && request.organization_id.is_none() && progress.organization_chosen.is_none() =>
        {
            Next::ChooseOrganization
        }
        (false, false) => Next::AskConsent { organization_id },
    }
}

/// Whether the sign-in is recent enough for the request.
pub fn is_fresh(
    (prompt, max_age): (Prompt, Option<i64>),
    signed_in: &SignedIn,
    progress: Progress,
    now: Timestamp,
) -> bool {
    // A sign-in within this flow is always recent enough.
    if progress.began_at.is_some_and(|began| signed_in.authenticated_at >= began) {
        return true;
    }
    let age = now.as_secs() - signed_in.authenticated_at.as_secs();
    !prompt.login && max_age.is_none_or(|most| age < most)
}

#[cfg(test)]
mod tests {
    use super::super::redirect::tests::client;
    use super::super::request::read;
    use super::*;
    use crate::id::Id;
    use crate::oauth::params::Params;
    use proptest::prelude::*;

    const QUERY: &str = "redirect_uri=https://a.example/cb&response_type=code&scope=openid";

    struct Case {
        ownership: Ownership,
        more: &'static str,
        signed_in: Option<SignedIn>,
        hinted: Hinted,
        progress: Progress,
        memberships: Vec<u128>,
        consents: Vec<GivenConsent>,
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn org(number: u128) -> OrganizationId {
        OrganizationId::from_ulid(number)
    }

    fn somebody() -> Option<SignedIn> {
        Some(SignedIn { user_id: Id::from_ulid(7), authenticated_at: at(1000), organization_id: None, has_many: false })
    }

    fn agreed_to(organization: Option<u128>, scopes: &[&str]) -> GivenConsent {
        GivenConsent {
            id: Id::from_ulid(8),
            organization_id: organization.map(org),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            still_offered: true,
        }
    }

    fn first_party() -> Case {
        Case {
            ownership: Ownership::FirstParty,
            more: "",
            signed_in: somebody(),
            hinted: Hinted::Nobody,
            progress: Progress::default(),
            memberships: vec![],
            consents: vec![],
        }
    }

    fn third_party() -> Case {
        Case { ownership: Ownership::ThirdParty { organization_id: org(9) }, ..first_party() }
    }

    fn decide(case: &Case) -> Next {
        let client = client(ClientType::Confidential, case.ownership, &["https://a.example/cb"]);
        decide_for(&client, &format!("{QUERY}{}", case.more), case)
    }

    fn decide_for(client: &Client, query: &str, case: &Case) -> Next {
        let request = read(&Params::from_form(query.as_bytes()).unwrap(), client, &[]).unwrap();
        let memberships: Vec<_> = case.memberships.iter().map(|number| org(*number)).collect();
        next(&request, client, (case.signed_in, case.hinted), case.progress, &memberships, &case.consents, at(1100))
    }

    fn code(next: &Next) -> Option<AuthorizeErrorCode> {
        if let Next::Refuse(code, _) = next { Some(*code) } else { None }
    }

    #[test]
    fn a_first_party_application_shows_no_page_to_who_is_signed_in() {
        assert_eq!(decide(&first_party()), Next::Issue { organization_id: None });
        let member = Case { memberships: vec![1], ..first_party() };
        assert_eq!(decide(&member), Next::Issue { organization_id: Some(org(1)) });
        assert_eq!(decide(&Case { signed_in: None, ..first_party() }), Next::SignIn);
    }

    #[test]
    fn a_fresh_sign_in_is_one_of_this_flow_or_recent_enough() {
        let login = Case { more: "&prompt=login", ..first_party() };
        assert_eq!(decide(&login), Next::SignIn);
        let began_before = Progress { began_at: Some(at(999)), ..Progress::default() };
        assert!(matches!(decide(&Case { progress: began_before, ..login }), Next::Issue { .. }));
        assert!(matches!(decide(&Case { more: "&max_age=101", ..first_party() }), Next::Issue { .. }));
        assert_eq!(decide(&Case { more: "&max_age=100", ..first_party() }), Next::SignIn);
        assert_eq!(decide(&Case { more: "&max_age=0", ..first_party() }), Next::SignIn);
    }

    #[test]
    fn an_id_token_hint_names_who_is_expected() {
        use AuthorizeErrorCode as Code;
        let case = |hinted, more| Case { hinted, more, ..first_party() };
        let issue = Next::Issue { organization_id: None };
        assert_eq!(decide(&case(Hinted::WhoIsSignedIn, "&prompt=none")), issue);
        assert_eq!(decide(&case(Hinted::SomebodyElse, "")), Next::SignIn);
        assert_eq!(code(&decide(&case(Hinted::SomebodyElse, "&prompt=none"))), Some(Code::LoginRequired));
        // Just signed in, but still as a different user.
        let began_before = Progress { began_at: Some(at(999)), ..Progress::default() };
        let another = Case { progress: began_before, ..case(Hinted::SomebodyElse, "") };
        assert_eq!(code(&decide(&another)), Some(Code::LoginRequired));
        let meant = Case { progress: began_before, ..case(Hinted::WhoIsSignedIn, "&prompt=login") };
        assert_eq!(decide(&meant), issue);
        for signed_in in [None, somebody()] {
            let wrong = |more| code(&decide(&Case { signed_in, ..case(Hinted::Unverifiable, more) }));
            assert_eq!(wrong(""), Some(Code::InvalidRequest), "nobody signs in for nothing");
            assert_eq!(wrong("&prompt=none"), Some(Code::LoginRequired));
        }
    }

    #[test]
    fn the_organization_is_chosen_when_there_is_a_choice() {
        let several = || Case { memberships: vec![1, 2], ..first_party() };
        assert_eq!(decide(&several()), Next::ChooseOrganization);
        let chosen = Progress { organization_chosen: Some(org(2)), ..Progress::default() };
        assert_eq!(decide(&Case { progress: chosen, ..several() }), Next::Issue { organization_id: Some(org(2)) });
        let foreign = Progress { organization_chosen: Some(org(3)), ..Progress::default() };
        assert_eq!(decide(&Case { progress: foreign, ..several() }), Next::ChooseOrganization);
        let remembered = somebody().map(|who| SignedIn { organization_id: Some(org(2)), ..who });
        assert_eq!(decide(&Case { signed_in: remembered, ..several() }), Next::Issue { organization_id: Some(org(2)) });
        let left = somebody().map(|who| SignedIn { organization_id: Some(org(3)), ..who });
        assert_eq!(decide(&Case { signed_in: left, ..several() }), Next::ChooseOrganization);
        let wanted = Case { more: "&organization_id=org_00000000000000000000000001", ..several() };
        assert_eq!(decide(&wanted), Next::Issue { organization_id: Some(org(1)) });
        let not_theirs = Case { memberships: vec![2], ..wanted };
        assert_eq!(code(&decide(&not_theirs)), Some(AuthorizeErrorCode::AccessDenied));
    }

    #[test]
    fn an_application_of_others_stays_with_the_organization_it_was_allowed_for() {
        let at_first = |more| Case {
            memberships: vec![1, 2, 3],
            consents: vec![agreed_to(Some(2), &["openid"])],
            signed_in: somebody().map(|who| SignedIn { organization_id: Some(org(1)), ..who }),
            more,
            ..third_party()
        };
        let second = Next::Issue { organization_id: Some(org(2)) };
        assert_eq!(decide(&at_first("")), second, "asked once, not twice");
        assert_eq!(decide(&at_first("&prompt=none")), second);
        let many = at_first("").signed_in.map(|who| SignedIn { has_many: true, ..who });
        assert_eq!(decide(&Case { signed_in: many, ..at_first("") }), second);
        assert_eq!(decide(&at_first("&prompt=consent")), Next::AskConsent { organization_id: Some(org(2)) });
        let for_less = Case { consents: vec![agreed_to(Some(2), &["email"])], ..at_first("") };
        assert_eq!(decide(&for_less), Next::AskConsent { organization_id: Some(org(1)) });
        let left = Case { memberships: vec![1, 3], ..at_first("") };
        assert_eq!(decide(&left), Next::AskConsent { organization_id: Some(org(1)) });
        let chosen = Progress { organization_chosen: Some(org(3)), account_chosen: true, ..Progress::default() };
        let anew = Case { progress: chosen, ..at_first("&prompt=select_account") };
        assert_eq!(decide(&anew), Next::AskConsent { organization_id: Some(org(3)) });
        let account = Progress { account_chosen: true, ..Progress::default() };
        let anew = Case { progress: account, ..at_first("&prompt=select_account") };
        assert_eq!(decide(&anew), Next::ChooseOrganization, "nobody decides it for them");

        let both = || vec![agreed_to(Some(2), &["openid"]), agreed_to(Some(3), &["openid"])];
        let twice = |more| Case { consents: both(), ..at_first(more) };
        assert_eq!(decide(&twice("")), Next::ChooseOrganization);
        assert_eq!(code(&decide(&twice("&prompt=none"))), Some(AuthorizeErrorCode::InteractionRequired));
        let third = somebody().map(|who| SignedIn { organization_id: Some(org(3)), ..who });
        let there = Case { signed_in: third, ..twice("") };
        assert_eq!(decide(&there), Next::Issue { organization_id: Some(org(3)) });
        let ours = Case { ownership: Ownership::FirstParty, ..at_first("") };
        assert_eq!(decide(&ours), Next::Issue { organization_id: Some(org(1)) });
    }

    #[test]
    fn who_has_agreed_to_nothing_lets_nobody_know_where_they_belong() {
        let asks = |memberships, consents| {
            let more = "&prompt=none&organization_id=org_00000000000000000000000001";
            code(&decide(&Case { more, memberships, consents, ..third_party() }))
        };
        assert_eq!(asks(vec![1], vec![]), Some(AuthorizeErrorCode::ConsentRequired));
        assert_eq!(asks(vec![2], vec![]), Some(AuthorizeErrorCode::ConsentRequired));
        assert_eq!(asks(vec![], vec![]), Some(AuthorizeErrorCode::ConsentRequired));
        let elsewhere = || vec![agreed_to(Some(2), &["openid"])];
        assert_eq!(asks(vec![1, 2], elsewhere()), Some(AuthorizeErrorCode::ConsentRequired));
        assert_eq!(asks(vec![2], elsewhere()), Some(AuthorizeErrorCode::ConsentRequired));
        let there = vec![agreed_to(Some(1), &["openid"])];
        assert_eq!(asks(vec![2], there), Some(AuthorizeErrorCode::AccessDenied));
    }

    #[test]
    fn a_third_party_is_not_told_who_is_a_member_before_the_user_acts() {
        let asks = |memberships, consents| {
            let more = "&organization_id=org_00000000000000000000000001";
            Case { more, memberships, consents, ..third_party() }
        };
        assert_eq!(decide(&asks(vec![1], vec![])), Next::AskConsent { organization_id: Some(org(1)) });
        for consents in [vec![], vec![agreed_to(Some(2), &["openid"])], vec![agreed_to(None, &["openid"])]] {
            assert_eq!(decide(&asks(vec![2], consents.clone())), Next::NotAMember);
            assert_eq!(decide(&asks(vec![], consents)), Next::NotAMember);
        }
        // They have just agreed for it, and have lost the membership since.
        let progress = Progress { agreed: true, ..Progress::default() };
        let lost = Case { progress, ..asks(vec![2], vec![]) };
        assert_eq!(code(&decide(&lost)), Some(AuthorizeErrorCode::AccessDenied));
        let ours = Case { ownership: Ownership::FirstParty, ..asks(vec![2], vec![]) };
        assert_eq!(
            code(&decide(&ours)),
            Some(AuthorizeErrorCode::AccessDenied),
            "the product itself knows its members"
        );
    }

    #[test]
    fn of_more_than_a_page_shows_one_is_searched_for_before_consent() {
        let many = || somebody().map(|who| SignedIn { has_many: true, ..who });
        let case = || Case { signed_in: many(), memberships: vec![1, 2], ..third_party() };
        assert_eq!(decide(&case()), Next::ChooseOrganization, "no picker on the consent page");
        let last = many().map(|who| SignedIn { organization_id: Some(org(2)), ..who });
        assert_eq!(decide(&Case { signed_in: last, ..case() }), Next::ChooseOrganization);
        let agreed = Case { signed_in: last, consents: vec![agreed_to(Some(2), &["openid"])], ..case() };
        assert_eq!(decide(&agreed), Next::Issue { organization_id: Some(org(2)) });
        let chosen = Progress { organization_chosen: Some(org(2)), ..Progress::default() };
        assert_eq!(decide(&Case { progress: chosen, ..case() }), Next::AskConsent { organization_id: Some(org(2)) });
        let wanted = Case { more: "&organization_id=org_00000000000000000000000001", ..case() };
        assert_eq!(decide(&wanted), Next::AskConsent { organization_id: Some(org(1)) });
        let quiet = Case { more: "&prompt=none", ..case() };
        assert_eq!(code(&decide(&quiet)), Some(AuthorizeErrorCode::InteractionRequired));
        let quiet = Case { more: "&prompt=none", signed_in: last, ..case() };
        assert_eq!(code(&decide(&quiet)), Some(AuthorizeErrorCode::ConsentRequired));
    }

    #[test]
    fn consent_is_asked_once_and_again_for_more() {
        assert_eq!(decide(&third_party()), Next::AskConsent { organization_id: None });
        let given = || Case { consents: vec![agreed_to(None, &["openid"])], ..third_party() };
        assert_eq!(decide(&given()), Next::Issue { organization_id: None });
        let more = Case { consents: vec![agreed_to(None, &["email"])], ..third_party() };
        assert_eq!(decide(&more), Next::AskConsent { organization_id: None });
        let elsewhere = Case { memberships: vec![1], ..given() };
        assert_eq!(decide(&elsewhere), Next::AskConsent { organization_id: Some(org(1)) });
        let other_choices = GivenConsent { still_offered: false, ..agreed_to(None, &["openid"]) };
        let chosen_before = Case { consents: vec![other_choices], ..third_party() };
        assert_eq!(decide(&chosen_before), Next::AskConsent { organization_id: None });
        let anew = Case { more: "&prompt=consent", ..given() };
        assert_eq!(decide(&anew), Next::AskConsent { organization_id: None });
        let agreed = Progress { agreed: true, ..Progress::default() };
        assert_eq!(decide(&Case { progress: agreed, ..anew }), Next::Issue { organization_id: None });
    }

    #[test]
    fn what_any_program_on_the_device_could_have_asked_is_asked_again() {
        let uris = ["https://a.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"];
        let given = |more| Case { consents: vec![agreed_to(None, &["openid"])], more, ..third_party() };
        let ask = |client_type, ownership, uri: &str, more: &'static str, progress| {
            let client = client(client_type, ownership, &uris);
            let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
            let query = format!("redirect_uri={uri}&response_type=code&scope=openid&{challenge}{more}");
            decide_for(&client, &query, &Case { progress, ..given(more) })
        };
        let third = Ownership::DynamicallyRegistered;
        let (issue, asks) = (Next::Issue { organization_id: None }, Next::AskConsent { organization_id: None });
        let nothing = Progress::default();
        let agreed = Progress { agreed: true, ..nothing };
        assert_eq!(ask(ClientType::Public, third, uris[0], "", nothing), issue);
        for uri in ["http://127.0.0.1:51004/cb", "com.example.app:/cb"] {
            assert_eq!(ask(ClientType::Public, third, uri, "", nothing), asks, "{uri}");
            assert_eq!(ask(ClientType::Public, third, uri, "", agreed), issue, "{uri}");
            assert_eq!(
                code(&ask(ClientType::Public, third, uri, "&prompt=none", nothing)),
                Some(AuthorizeErrorCode::ConsentRequired)
            );
            assert_eq!(ask(ClientType::Public, Ownership::FirstParty, uri, "", nothing), issue, "{uri}");
        }
        assert_eq!(ask(ClientType::Confidential, third, "http://127.0.0.1/cb", "", nothing), issue, "it proves itself");
    }

    #[test]
    fn prompt_none_never_shows_a_page() {
        use AuthorizeErrorCode as Code;
        let quiet = |case: Case| code(&decide(&Case { more: "&prompt=none", ..case }));
        assert_eq!(quiet(Case { signed_in: None, ..first_party() }), Some(Code::LoginRequired));
        assert_eq!(quiet(Case { memberships: vec![1, 2], ..first_party() }), Some(Code::InteractionRequired));
        assert_eq!(quiet(third_party()), Some(Code::ConsentRequired));
        assert_eq!(quiet(first_party()), None);
    }

    proptest! {
        #[test]
        fn nothing_is_issued_for_an_organization_the_person_has_left(
            memberships in proptest::collection::vec(1_u128..5, 0..3),
            chosen in proptest::option::of(1_u128..5),
            last in proptest::option::of(1_u128..5),
            agreed: bool,
            third: bool,
        ) {
            let mut case = if third { third_party() } else { first_party() };
            case.signed_in = somebody().map(|who| SignedIn { organization_id: last.map(org), ..who });
            case.progress = Progress { organization_chosen: chosen.map(org), agreed, ..Progress::default() };
            case.memberships = memberships.clone();
            if let Next::Issue { organization_id } = decide(&case) {
                prop_assert_eq!(organization_id.is_none(), memberships.is_empty());
                prop_assert!(organization_id.is_none_or(|id| memberships.iter().any(|number| org(*number) == id)));
                prop_assert!(!third || agreed);
            }
        }
    }
}
