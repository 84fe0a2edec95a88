//! Every page in every state, with words that are plain, very long, or hostile.

use countersign_pages::*;

/// What the texts that others choose are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// As they mostly are.
    Plain,
    /// Much longer than anybody thought, with and without spaces.
    Long,
    /// An attack.
    Hostile,
}

/// Written by an attacker.
pub(crate) const HOSTILE: &str = "<x-hostile>\"'&<script>alert(1)</script>";

/// A picture that looks like a QR code and says nothing.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAALkAAAC5AQAAAABc1qPxAAABZUlEQVR42u2XPY6DMBCFB1G49BF8k3AxJJB8MbiJj0BJYTH7ZiDR7iatX6TdTGEZPoqn+Uf0tc3yAX8YbCLSaS44tIQFT4EIJtUVQvBulPNGBKOEdesVcuyTTRIdSJIOzglvAVOBKnMJGVzx2AfcwotANQWeiQC3WNNzirYFbhaPQbMJ+lmcjQFU6SGjJYNn4piIQGdzxJisFsrutUAEuVwZgQORqUIE7pJYH87pCxGg28IRXnluuQQeQAPQBVp26/z7gO+UB7QmPCIoK8rARQYiyJ4CCaAmkcgFs7+TcEQ0gG99lwIw4wfcwhLhl8MOHrAhd0RIO6Ji4KL5EoEJ8kF/k153ifOj6ROAlf0ik2XitV8pD5yGJOy8ILZJieCctchEu1k1UsG1ZYiFAtM+/14/moJzv8KKA2luygaYM4up6p723fZAr9XqvufQwH2ztJZrhViUCCwTz+T3xpOZ4PPv/M/AF/RlH111NnJtAAAAAElFTkSuQmCC";

const LONG: &str =
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung of the Very Long Name, Incorporated";

impl Words {
    fn say(self, plain: &'static str) -> &'static str {
        match self {
            Self::Plain => plain,
            Self::Long => LONG,
            Self::Hostile => HOSTILE,
        }
    }

    fn email(self) -> &'static str {
        match self {
            Self::Plain => "ada@acme.example",
            Self::Long => "wilhelmina.konstantinopolitanska-oberhuber@subsidiary.department.of.acme.example",
            Self::Hostile => HOSTILE,
        }
    }

    /// The logo of an application.
    pub(crate) fn logo(self) -> Logo {
        let (width, height) = if self == Self::Long { (900, 30) } else { (48, 48) };
        let path = self.say("/assets/partner.svg").to_owned();
        Logo { light: Some(Picture { path, width, height, seen_on_light: true, seen_on_dark: true }), dark: None }
    }

    /// A branding whose texts are such words.
    pub(crate) fn branding(self) -> Branding {
        let address = |path: &'static str| Some(if self == Self::Hostile { HOSTILE } else { path }.to_owned());
        Branding {
            name: self.say("Acme").to_owned(),
            terms_url: address("https://acme.example/terms"),
            privacy_url: address("https://acme.example/privacy"),
            ..Branding::default()
        }
    }
}

/// The problems that a page can have.
fn problems(of: &[Problem], with: bool) -> Vec<Option<Problem>> {
    if with { of.iter().copied().map(Some).collect() } else { vec![None] }
}

/// All of them with their names: without a problem, or with each that fits.
pub(crate) fn pages(frame: Frame<'_>, words: Words, problem: bool) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Vec::new();
    let say = |plain| words.say(plain);
    let logo = words.logo();
    let (email, application) = (words.email(), Some(Application { name: say("Acme Dashboard"), logo: &logo }));
    let form = |problem| Form { action: say("/sign-in"), csrf: say("csrf"), flow: say("flow"), problem };
    let link = say("/sign-in/again");
    let many: Vec<String> = (0..7).map(|number| format!("org_{number}")).collect();
    let organization = |id| Organization { id, name: say("Northwind Traders") };
    let few = [organization(say("org_1")), Organization { id: "org_2", name: say("Contoso") }];
    let many: Vec<Organization<'_>> = many.iter().map(|id| organization(id)).collect();
    let mut add = |name: &str, problem: Option<Problem>, page: &dyn Page| {
        let state =
            problem.map(|problem| format!("-{}", format!("{problem:?}").replace(|c: char| !c.is_alphanumeric(), "")));
        pages.push((format!("{name}{}", state.unwrap_or_default()), page.html()));
    };

    for p in problems(&[Problem::EmailInvalid, Problem::TooManyAttempts { minutes: 15 }], problem) {
        let typed = if words == Words::Plain && p.is_none() { "" } else { email };
        add("sign_in", p, &SignIn { frame, form: form(p), email: typed, application, sign_up: Some(link) });
    }
    for p in problems(&[Problem::CredentialsWrong, Problem::Busy], problem) {
        let (forgot, code_action) = (Some(link), Some(link));
        add(
            "password",
            p,
            &Password {
                frame,
                form: form(p),
                email,
                application,
                restart: link,
                forgot,
                code_action,
                password_saved: p.is_none(),
            },
        );
    }
    for p in problems(&[Problem::CodeWrong, Problem::CodeExpired], problem) {
        for (name, purpose) in [("code", CodePurpose::SignIn), ("code_verify", CodePurpose::VerifyEmail)] {
            let resent = p.is_none() && purpose == CodePurpose::VerifyEmail;
            let restart = Some(link);
            let code = Code {
                frame,
                form: form(p),
                purpose,
                email,
                code: "",
                resend_action: link,
                resent,
                mailbox: None,
                restart,
            };
            add(name, p, &code);
            if p.is_none() && purpose == CodePurpose::SignIn {
                add("code_filled_in", p, &Code { code: say("482913"), ..code });
                add("code_in_mailbox", p, &Code { mailbox: Some(link), ..code });
                add("code_elsewhere", p, &CodeElsewhere { frame, code: say("482913") });
            }
        }
    }
    for p in problems(&[Problem::CodeWrong, Problem::CodeUsed, Problem::TooManyAttempts { minutes: 12 }], problem) {
        let form = form(p);
        add("second_factor", p, &SecondFactor { frame, form, email, restart: link });
        let set_up = SetUpSecondFactor {
            frame,
            form,
            email,
            required: true,
            picture: PICTURE,
            uri: say("otpauth://totp/Acme:ada@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            secret: say("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"),
            back: None,
        };
        add("set_up_second_factor", p, &set_up);
        add("set_up_second_factor_of_account", p, &SetUpSecondFactor { required: false, back: Some(link), ..set_up });
        let since = say("3 March");
        for (name, required) in [("remove_second_factor", false), ("remove_second_factor_required", true)] {
            add(name, p, &RemoveSecondFactor { frame, form, email, since, required, back: link });
        }
    }
    let last = Field::LastName;
    for p in problems(&[Problem::PasswordTooWeak, Problem::NameTooLong { field: last }, Problem::SignUpClosed], problem)
    {
        let (first_name, last_name) = (say("Ada"), say("Lovelace"));
        let form = form(p);
        let (sign_in, password_minimum) = (link, Some(10));
        add(
            "sign_up",
            p,
            &SignUp { frame, form, application, email, first_name, last_name, password_minimum, sign_in },
        );
    }
    for p in problems(&[Problem::SignUpClosed, Problem::NoPasswords, Problem::NoCodes], problem) {
        if p.is_some() {
            add("sign_in", p, &SignIn { frame, form: form(p), email, application, sign_up: None });
        } else {
            let (first_name, last_name) = (say("Ada"), say("Lovelace"));
            let (form, password_minimum, sign_in) = (form(p), None, link);
            let page = SignUp { frame, form, application, email, first_name, last_name, password_minimum, sign_in };
            add("sign_up_code", p, &page);
        }
    }
    for p in problems(&[Problem::EmailNeeded], problem) {
        add(
            "forgot_password",
            p,
            &ForgotPassword { frame, mail_is_missing: false, form: form(p), email, sign_in: link },
        );
    }
    for p in problems(&[Problem::PasswordTooShort, Problem::LinkExpired], problem) {
        add("reset_password", p, &ResetPassword { frame, form: form(p), email, password_minimum: 10 });
    }
    for p in problems(&[Problem::FormExpired], problem) {
        let (organization, inviter) = (say("Northwind Traders"), Some(say("Grace Hopper")));
        add("invitation", p, &Invitation { frame, form: form(p), organization, inviter, email });
        let choose = ChooseOrganization { frame, form: form(p), application, organizations: &few, search: None };
        add("choose_organization", p, &choose);
        add("choose_organization_many", p, &ChooseOrganization { organizations: &many, search: Some(""), ..choose });
        let search = Some(say("Initech"));
        add("choose_organization_none", p, &ChooseOrganization { organizations: &[], search, ..choose });
        add(
            "select_account",
            p,
            &SelectAccount { frame, form: form(p), application, name: say("Ada Lovelace"), email },
        );
        let name = say("Partner Reports");
        add(
            "not_a_member",
            p,
            &NotAMember { frame, form: form(p), application: name, account: email, other_account: link },
        );
        add("sign_out_confirm", p, &SignOutConfirm { frame, form: form(p), email, application: None });
        let user_code = say("WDJB-MJHT");
        let application = Application { name: say("Acme Command Line"), logo: &Logo::default() };
        add(
            "device_confirm",
            p,
            &DeviceConfirm { frame, form: form(p), user_code, application, account: email, other_account: link },
        );
        add("account", p, &account(frame, form(p), words, &logo));
    }
    for p in problems(&[Problem::DeviceCodeUnknown], problem) {
        add("device", p, &Device { frame, form: form(p), user_code: if p.is_some() { say("WDJB-MJHX") } else { "" } });
    }
    for p in problems(&[Problem::OrganizationNeeded], problem) {
        let access = [
            Access { name: say("Read your projects"), description: say("Names, members and dates, not the files.") },
            Access { name: say("Create invoices"), description: say("Drafts that you send yourself.") },
            Access { name: say("Know your name and email address"), description: "" },
        ];
        let consent = Consent {
            frame,
            form: form(p),
            application: say("Partner Reports"),
            application_logo: &logo,
            identity: Identity::Registered,
            on_this_device: false,
            publisher: Some(say("Partner Software GmbH")),
            account: email,
            other_account: link,
            access: &access,
            organizations: &few[..1],
            organization_id: None,
            choosing: &[],
            redirect_host: say("partner.example"),
            terms_url: Some(say("https://partner.example/terms")),
            privacy_url: Some(say("https://partner.example/privacy")),
        };
        add("consent", p, &consent);
        add("consent_few", p, &Consent { organizations: &few, organization_id: Some("org_2"), ..consent });
        let claimed = Consent { application_logo: &Logo::default(), publisher: None, ..consent };
        let host = Identity::Host(say("client.example"));
        add(
            "consent_document",
            p,
            &Consent { identity: host, on_this_device: true, redirect_host: "127.0.0.1", ..claimed },
        );
        add("consent_nobody", p, &Consent { identity: Identity::Nobody, ..claimed });
        add("consent_device", p, &Consent { identity: Identity::Nobody, redirect_host: "", ..claimed });
        add(
            "consent_many",
            p,
            &Consent { organizations: &many, application_logo: &Logo::default(), publisher: None, ..consent },
        );
    }
    for p in problems(&[Problem::ChoiceNeeded], problem) {
        let access = [Access { name: say("Read your projects"), description: "" }];
        let workspaces = [ChoiceGroup { name: None, choices: vec![("w1", say("Marketing")), ("w2", say("Research"))] }];
        let projects = [
            ChoiceGroup { name: None, choices: vec![("all", say("Every project"))] },
            ChoiceGroup {
                name: Some(say("Northwind Traders")),
                choices: vec![("p1", say("Website")), ("p2", say("Spring catalogue"))],
            },
            ChoiceGroup { name: Some(say("Contoso")), choices: vec![("p3", say("Warehouse"))] },
        ];
        let chosen = Some("w2").filter(|_| p.is_none());
        let choosing = [
            Choosing { name: "choice:urn:acme:workspace", label: say("Workspace"), groups: &workspaces, chosen },
            Choosing { name: "choice:urn:acme:project", label: say("Project"), groups: &projects, chosen: None },
        ];
        let consent = Consent {
            frame,
            form: form(p),
            application: say("Partner Reports"),
            application_logo: &logo,
            publisher: Some(say("Partner Software GmbH")),
            account: email,
            other_account: link,
            access: &access,
            organizations: &few[..1],
            organization_id: None,
            choosing: &choosing,
            identity: Identity::Registered,
            on_this_device: false,
            redirect_host: say("partner.example"),
            terms_url: None,
            privacy_url: None,
        };
        add("consent_choices", p, &consent);
    }
    if !problem {
        add("forgot_password_sent", None, &ForgotPasswordSent { frame, email, sign_in: link });
        for (name, approved) in [("device_approved", true), ("device_denied", false)] {
            add(name, None, &DeviceDone { frame, approved });
        }
        add("going_on", None, &RedirectPage { frame, to: link });
        add("signed_out", None, &SignedOut { frame, link: Some((say("Back to Acme Dashboard"), link)) });
        add("signed_out_plain", None, &SignedOut { frame, link: None });
        for trouble in Trouble::ALL {
            let page = ErrorPage::of(frame, trouble);
            let name = format!("error_{trouble:?}").to_lowercase();
            let told = ErrorPage {
                request_id: Some(say("req_01JD9ZK3")),
                link: Some((say("Back to Acme Dashboard"), link)),
                ..page
            };
            add(&name, None, if matches!(trouble, Trouble::Address | Trouble::NoRole) { &page } else { &told });
        }
        let own = ErrorPage::of(frame, Trouble::Server);
        add(
            "error_own",
            None,
            &ErrorPage { title: say("Closed"), happened: say("It is night."), advice: say("Sleep."), ..own },
        );
        let mail =
            MailboxEntry { href: link, subject: say("123456 is your code"), to: email, time: say("12 May, 10:31") };
        add("mailbox", None, &Mailbox { frame, mails: &[mail, mail, mail] });
        add("mailbox_empty", None, &Mailbox { frame, mails: &[] });
        let text = format!("Hello,\n\nopen https://id.acme.example/reset?token=a&b=c.\n\n{}\n", say("Bye"));
        let (subject, time) = (say("Choose a new password"), say("12 May, 10:31"));
        add("mailbox_message", None, &MailboxMessage { frame, subject, to: email, time, text: &text, mailbox: link });
    }
    pages
}

fn account<'a>(frame: Frame<'a>, form: Form<'a>, words: Words, logo: &'a Logo) -> Account<'a> {
    let say = |plain| words.say(plain);
    let session = |device, current| Session {
        id: say("session_1"),
        device: say(device),
        address: say("203.0.113.7"),
        last_seen: say("12 May, 10:31"),
        current,
    };
    let access: &[&str] = match words {
        Words::Plain => &["Read your projects", "Create invoices"],
        Words::Long => &[LONG, "Create invoices"],
        Words::Hostile => &[HOSTILE],
    };
    let application = ConnectedApplication {
        id: say("app_1"),
        name: say("Partner Reports"),
        logo,
        organization: Some(say("Northwind Traders")),
        access,
        since: say("3 March"),
    };
    Account {
        frame,
        form,
        name: say("Ada Lovelace"),
        email: words.email(),
        change_password: Some(say("/forgot-password")),
        second_factor: Some(TwoSteps {
            since: (words == Words::Plain).then_some("3 March"),
            href: say("/account/second-factor"),
        }),
        sessions: Vec::leak(vec![session("Firefox on Linux", true), session("Safari on iPhone", false)]),
        revoke_session_action: say("/account/sessions/revoke"),
        applications: Vec::leak(vec![
            application,
            ConnectedApplication { organization: None, access: &[], logo: Box::leak(Box::default()), ..application },
        ]),
        revoke_application_action: say("/account/applications/revoke"),
    }
}
