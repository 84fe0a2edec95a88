use crate::Language;

/// Every text of the pages and emails, in one language. Each text is a method that takes the values to fill in as
/// arguments.
#[derive(Clone, Copy, Debug)]
pub struct Texts(Language);

impl Texts {
    pub(crate) fn new(language: Language) -> Self {
        Self(language)
    }

    /// The language of the texts.
    pub(crate) fn own_language(self) -> Language {
        self.0
    }
}

/// One line per text: name (and arguments), English, German. A missing language does not compile, and neither does a
/// text that omits an argument.
macro_rules! texts {
    (@method $name:ident $english:literal $german:literal) => {
        #[doc = $english]
        pub fn $name(self) -> &'static str {
            match self.0 {
                Language::English => $english,
                Language::German => $german,
            }
        }
    };
    (@method $name:ident ($($argument:ident: $kind:ty),+) $english:literal $german:literal) => {
        #[doc = $english]
        pub fn $name(self, $($argument: $kind),+) -> String {
            match self.0 {
                Language::English => format!($english, $($argument = $argument),+),
                Language::German => format!($german, $($argument = $argument),+),
            }
        }
    };
    ($group:ident: $($name:ident $(($($argument:ident: $kind:ty),+))? { $english:literal $german:literal })+) => {
        impl Texts {
            $(texts!(@method $name $(($($argument: $kind),+))? $english $german);)+

            #[cfg(test)]
            pub(in crate::texts) fn $group(self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), self.$name($($(<$kind as crate::texts::tests::Sample>::SAMPLE),+)?).to_string())),+]
            }
        }
    };
}

mod portal;

// Words shared by several pages.
texts! { shared_texts:
    email { "Email address" "E\u{2011}Mail-Adresse" }
    password { "Password" "Passwort" }
    new_password { "New password" "Neues Passwort" }
    first_name { "First name" "Vorname" }
    last_name { "Last name" "Nachname" }
    optional { "optional" "optional" }
    go_on { "Continue" "Weiter" }
    act_at(resource: &str) { "Act for you at {resource}" "In Ihrem Namen bei {resource} handeln" }
    one_moment { "One moment…" "Einen Moment …" }
    terms { "Terms" "Bedingungen" }
    privacy { "Privacy" "Datenschutz" }
    language { "Language" "Sprache" }
    continue_to(application: &str) { "to continue to {application}" "Weiter zu {application}" }
    back_to_sign_in { "Back to sign-in" "Zurück zur Anmeldung" }
    use_another_account { "Use another account" "Anderes Konto verwenden" }
    password_hint(minimum: u32) {
        "At least {minimum} characters. A few unrelated words work well."
        "Mindestens {minimum} Zeichen. Gut geeignet sind mehrere Wörter ohne Zusammenhang."
    }
    may_close { "You can close this window." "Sie können dieses Fenster schließen." }
}

// Sign-in, sign-up, passwords and codes.
texts! { signing_in_texts:
    sign_in { "Sign in" "Anmelden" }
    no_account_yet { "No account yet?" "Noch kein Konto?" }
    sign_up { "Sign up" "Registrieren" }
    enter_password { "Enter your password" "Passwort eingeben" }
    not_you { "Not you?" "Nicht Sie?" }
    forgot { "Forgot password?" "Passwort vergessen?" }
    email_code_instead { "Email me a code instead" "Code per E\u{2011}Mail erhalten" }
    or { "or" "oder" }
    check_mail { "Check your email" "Prüfen Sie Ihr Postfach" }
    code_sent { "We sent a 6-digit code to this address:" "Wir haben einen 6-stelligen Code an diese Adresse gesendet:" }
    code_proves_address {
        "Enter it to confirm that the address is yours."
        "Geben Sie ihn ein, um zu bestätigen, dass die Adresse Ihnen gehört."
    }
    code { "6-digit code" "6-stelliger Code" }
    verify { "Confirm" "Bestätigen" }
    no_code { "Nothing arrived? Check\u{a0}your\u{a0}spam\u{a0}folder." "Nichts angekommen? Prüfen\u{a0}Sie\u{a0}den\u{a0}Spam-Ordner." }
    code_stays_here { "This server does not send email yet, so its messages are kept here." "Dieser Server versendet noch keine E\u{2011}Mails: Sie bleiben hier." }
    open_mailbox { "Open the mailbox" "Postfach öffnen" }
    resend { "Send a new code" "Neuen Code senden" }
    resent { "A new code is on its way. Older codes no longer work." "Ein neuer Code ist unterwegs. Ältere Codes gelten nicht mehr." }
    code_filled_in {
        "The code from the email is filled in. Confirm to continue."
        "Der Code aus der E\u{2011}Mail ist eingetragen. Bestätigen Sie, um fortzufahren."
    }
    your_code { "Your code" "Ihr Code" }
    code_elsewhere {
        "Enter it where you requested it: in the same window, the same browser or on the same device."
        "Geben Sie ihn dort ein, wo Sie ihn angefordert haben: im selben Fenster, im selben Browser oder auf demselben Gerät."
    }
    code_not_asked_for {
        "If you did not request a code, close this page and do not share the code with anyone."
        "Wenn Sie keinen Code angefordert haben, schließen Sie diese Seite und geben Sie den Code an niemanden weiter."
    }
    use_another_email { "Use another address" "Andere Adresse verwenden" }
    create_account { "Create your account" "Konto erstellen" }
    create { "Create account" "Konto erstellen" }
    have_account { "Already have an account?" "Schon ein Konto?" }
    forgot_title { "Reset your password" "Passwort zurücksetzen" }
    forgot_explained {
        "Enter your email address and we will send you a link to choose a new password."
        "Geben Sie Ihre E\u{2011}Mail-Adresse ein. Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort wählen können."
    }
    forgot_without_mail {
        "This server does not send email. Its operator can create a link for you to choose a new password:"
        "Dieser Server versendet keine E\u{2011}Mails. Wer ihn betreibt, kann einen Link ausgeben, mit dem Sie ein neues Passwort wählen:"
    }
    send_link { "Send link" "Link senden" }
    link_sent {
        "If this address has an account, we have sent it a link to choose a new password:"
        "Wir haben einen Link für ein neues Passwort gesendet, falls es ein Konto mit dieser Adresse gibt:"
    }
    choose_password { "Choose a new password" "Neues Passwort wählen" }
    save_password { "Save password" "Passwort speichern" }
    signs_out_elsewhere {
        "You will be signed out everywhere, and then sign in with the new password."
        "Sie werden überall abgemeldet und melden sich dann mit dem neuen Passwort an."
    }
    password_saved { "Your new password is saved. Sign in with it." "Ihr neues Passwort ist gespeichert. Melden Sie sich damit an." }
}

// Organizations, consent and devices.
texts! { consent_texts:
    join(organization: &str) { "Join {organization}" "{organization} beitreten" }
    invited_by(inviter: &str, organization: &str) {
        "{inviter} invites you to join {organization}."
        "{inviter} lädt Sie ein, {organization} beizutreten."
    }
    invited(organization: &str) { "You are invited to join {organization}." "Sie sind eingeladen, {organization} beizutreten." }
    invited_as { "The invitation is for" "Die Einladung gilt für" }
    accept_invitation { "Accept invitation" "Einladung annehmen" }
    choose_organization { "Choose an organization" "Organisation wählen" }
    search_organization { "Name of the organization" "Name der Organisation" }
    many_organizations {
        "You belong to more organizations than fit here. Type a part of the name."
        "Sie gehören mehr Organisationen an, als hier Platz haben. Geben Sie einen Teil des Namens ein."
    }
    search { "Search" "Suchen" }
    no_organization_found { "None of your organizations matches your search." "Keine Ihrer Organisationen trägt das im Namen." }
    not_a_member { "This account is not a member" "Dieses Konto ist kein Mitglied" }
    not_a_member_explained(application: &str) {
        "{application} asks for an organization that this account does not belong to. Use an account that does, or ask an admin of the organization to invite you."
        "{application} fragt nach einer Organisation, der dieses Konto nicht angehört. Verwenden Sie ein Konto, das ihr angehört, oder lassen Sie sich von der Organisation einladen."
    }
    consent_title(application: &str) { "{application} asks for access" "{application} bittet um Zugriff" }
    published_by(publisher: &str) { "by {publisher}" "von {publisher}" }
    asks_from { "It comes from" "Die Anwendung kommt von" }
    name_is_a_claim {
        "This application chose its own name, and nobody here has verified it. Continue only if you recognize this address."
        "Die Anwendung hat ihren Namen selbst gewählt. Niemand hier hat geprüft, wer sie ist: Fahren Sie nur fort, wenn Sie diese Adresse kennen."
    }
    nobody_knows_it {
        "This application chose its own name, and nobody here has verified it. Continue only if you have just started this yourself."
        "Die Anwendung hat ihren Namen selbst gewählt. Niemand hier hat geprüft, wer sie ist: Fahren Sie nur fort, wenn Sie den Vorgang gerade selbst begonnen haben."
    }
    stays_on_this_device {
        "A program on this device will get access, and any program here could have asked for it. Allow it only if you have just started this yourself."
        "Den Zugriff erhält ein Programm auf diesem Gerät. Jedes Programm darauf könnte danach gefragt haben: Stimmen Sie nur zu, wenn Sie den Vorgang gerade selbst begonnen haben."
    }
    goes_to_the_device {
        "The device that shows the code will get access. Allow it only if you have just started this yourself."
        "Den Zugriff erhält das Gerät, das den Code anzeigt: Stimmen Sie nur zu, wenn Sie den Vorgang gerade selbst begonnen haben."
    }
    signed_in_as { "Signed in as" "Angemeldet als" }
    access_requested { "If you allow this, it may:" "Die Anwendung möchte:" }
    access_for { "On behalf of" "Im Namen von" }
    choose { "Please choose" "Bitte wählen" }
    allow { "Allow" "Zulassen" }
    deny { "Deny" "Ablehnen" }
    sent_to(host: &str) { "You will be sent to {host}" "Sie werden zu {host} weitergeleitet" }
    device_title { "Connect a device" "Gerät verbinden" }
    device_explained {
        "Enter the code that your device shows."
        "Geben Sie den Code ein, den Ihr Gerät anzeigt."
    }
    device_code { "Code" "Code" }
    device_confirm_title { "Is this the code on your device?" "Steht dieser Code auf Ihrem Gerät?" }
    device_warning {
        "Continue only if you started this yourself and see exactly this code. Nobody from support will ever ask you for it."
        "Fahren Sie nur fort, wenn Sie den Vorgang selbst begonnen haben und genau diesen Code sehen. Kein Support wird Sie je danach fragen."
    }
    device_wants(application: &str) { "{application} wants to sign in." "{application} möchte sich anmelden." }
    codes_match { "Yes, continue" "Ja, weiter" }
    codes_differ { "No, deny" "Nein, ablehnen" }
    device_approved { "Your device is connected" "Ihr Gerät ist verbunden" }
    device_approved_explained {
        "Continue there. It can take a few seconds."
        "Machen Sie dort weiter. Es kann einige Sekunden dauern."
    }
    device_denied { "The device was not connected" "Das Gerät wurde nicht verbunden" }
    device_denied_explained { "It has no access to your account." "Es hat keinen Zugriff auf Ihr Konto erhalten." }
}

// The second factor.
texts! { second_factor_texts:
    second_factor_title { "Enter the code from your app" "Code aus Ihrer App eingeben" }
    second_factor_explained {
        "Open your authenticator app and type the six digits that it shows for"
        "Öffnen Sie Ihre Authenticator-App und geben Sie die sechs Ziffern ein, die sie anzeigt für"
    }
    second_factor_lost {
        "Lost your device? Ask the people who run this service, or your administrator, to remove the app from your account."
        "Gerät verloren? Bitten Sie die Betreiber dieses Dienstes oder Ihren Administrator, die App aus Ihrem Konto zu entfernen."
    }
    two_steps { "Two-step sign-in" "Anmeldung in zwei Schritten" }
    two_steps_off {
        "A code from an app on your phone protects your account even if somebody learns your password."
        "Ein Code aus einer App auf Ihrem Telefon schützt Ihr Konto selbst dann, wenn jemand Ihr Passwort erfährt."
    }
    two_steps_on(since: &str) { "On since {since}." "Aktiv seit {since}." }
    set_up_factor { "Set up two-step sign-in" "Anmeldung in zwei Schritten einrichten" }
    factor_required {
        "Two-step sign-in is required here."
        "Hier melden sich alle mit einem zweiten Schritt an."
    }
    set_up_factor_explained {
        "From now on, an app shows the code that you type when you sign in as"
        "Künftig zeigt eine App den Code, den Sie beim Anmelden eingeben, für"
    }
    factor_get_application {
        "Open an authenticator app, or the password manager that you use: nearly all of them can do this."
        "Öffnen Sie eine Authenticator-App oder Ihren Passwortmanager: Fast alle können das."
    }
    factor_scan { "Add an account there, and scan this code." "Fügen Sie dort ein Konto hinzu und scannen Sie diesen Code." }
    factor_picture { "QR code with the key for your app" "QR-Code mit dem Schlüssel für Ihre App" }
    factor_on_this_device { "The app is on this device" "Die App ist auf diesem Gerät" }
    factor_cannot_scan { "Can’t scan the code?" "Scannen geht nicht?" }
    factor_type_key {
        "Type this key into the app instead. Do not show it to anyone."
        "Geben Sie stattdessen diesen Schlüssel in die App ein. Zeigen Sie ihn niemandem."
    }
    factor_type_code { "Type the six digits that the app shows." "Geben Sie die sechs Ziffern ein, die die App anzeigt." }
    turn_on { "Turn on" "Einschalten" }
    turn_off { "Turn off" "Ausschalten" }
    remove_factor { "Turn off two-step sign-in" "Anmeldung in zwei Schritten ausschalten" }
    remove_factor_title { "Turn off two-step sign-in?" "Anmeldung in zwei Schritten ausschalten?" }
    factor_since(since: &str) { "On since {since}." "Sie ist aktiv seit {since}." }
    factor_gone_explained {
        "You will no longer be asked for a code. To confirm, type a code from your app."
        "Danach wird nicht mehr nach Ihrer App gefragt. Geben Sie zur Bestätigung einen Code daraus ein."
    }
    factor_needed_again {
        "Two-step sign-in is required here, so you will set up a new app at your next sign-in. To confirm, type a code from the current app."
        "Hier brauchen alle eine: Bei der nächsten Anmeldung richten Sie eine andere App ein. Geben Sie zur Bestätigung einen Code dieser App ein."
    }
    back_to_account { "Back to your account" "Zurück zu Ihrem Konto" }
}

// The user's own account, and signing out.
texts! { account_texts:
    your_account { "Your account" "Ihr Konto" }
    name { "Name" "Name" }
    sessions { "Where you are signed in" "Wo Sie angemeldet sind" }
    this_session { "This browser" "Dieser Browser" }
    last_seen(time: &str) { "Last\u{a0}active\u{a0}{time}" "Zuletzt\u{a0}aktiv:\u{a0}{time}" }
    sign_out { "Sign out" "Abmelden" }
    sign_out_of(session: &str) { "Sign out: {session}" "Abmelden: {session}" }
    unknown_device { "Unknown device" "Unbekanntes Gerät" }
    change_password { "Change password" "Passwort ändern" }
    in_title_problem(title: &str) { "Error: {title}" "Fehler: {title}" }
    sign_out_everywhere { "Sign out everywhere" "Überall abmelden" }
    connected_applications { "Connected applications" "Verbundene Anwendungen" }
    no_applications { "No application has access to your account." "Keine Anwendung hat Zugriff auf Ihr Konto." }
    since(time: &str) { "Since\u{a0}{time}" "Seit\u{a0}{time}" }
    remove_access { "Remove access" "Zugriff entziehen" }
    remove_access_of(application: &str) { "Remove access: {application}" "Zugriff entziehen: {application}" }
    select_account { "Choose an account" "Konto wählen" }
    continue_as(name: &str) { "Continue as {name}" "Weiter als {name}" }
    sign_out_question { "Do you want to sign out?" "Möchten Sie sich abmelden?" }
    sign_out_explained(name: &str) {
        "You will be signed out of {name} in this browser."
        "Sie werden in diesem Browser von {name} abgemeldet."
    }
    then_back_to(application: &str) { "You will then return to {application}." "Danach geht es zurück zu {application}." }
    stay { "Stay signed in" "Angemeldet bleiben" }
    signed_out { "You are signed out" "Sie sind abgemeldet" }
    back_to(application: &str) { "Back to {application}" "Zurück zu {application}" }
    sign_in_again { "Sign in again" "Erneut anmelden" }
}

// Problems with a form.
texts! { problems_texts:
    email_invalid {
        "That does not look like an email address. Please check it."
        "Das sieht nicht wie eine E\u{2011}Mail-Adresse aus. Bitte prüfen Sie die Eingabe."
    }
    email_needed { "Please enter your email address." "Bitte geben Sie Ihre E\u{2011}Mail-Adresse ein." }
    credentials_wrong {
        "Email address or password is wrong. Please try again."
        "E\u{2011}Mail-Adresse oder Passwort stimmt nicht. Bitte versuchen Sie es noch einmal."
    }
    password_needed { "Please enter a password." "Bitte geben Sie ein Passwort ein." }
    password_too_short { "That password is too short. Please choose a longer one." "Dieses Passwort ist zu kurz. Bitte wählen Sie ein längeres." }
    password_too_weak {
        "That password is easy to guess. Please choose one that nobody would think of."
        "Dieses Passwort ist leicht zu erraten. Bitte wählen Sie eines, auf das niemand kommt."
    }
    password_too_long { "That password is too long. Please choose a shorter one." "Dieses Passwort ist zu lang. Bitte wählen Sie ein kürzeres." }
    code_wrong { "That is not the right code. Please check it." "Dieser Code stimmt nicht. Bitte prüfen Sie ihn." }
    code_expired {
        "That code is no longer valid. Please request a new one."
        "Dieser Code gilt nicht mehr. Bitte lassen Sie sich einen neuen senden."
    }
    code_used {
        "That code was used already. Please wait for the next one, which comes within half a minute."
        "Dieser Code wurde schon verwendet. Bitte warten Sie auf den nächsten, er kommt innerhalb einer halben Minute."
    }
    too_many_attempts(wait: &str) {
        "Too many attempts. Please try again {wait}."
        "Zu viele Versuche. Bitte versuchen Sie es {wait} noch einmal."
    }
    too_many_mails(wait: &str) {
        "We have already sent several messages. Please look for the latest one. You can request another {wait}."
        "Es wurden schon mehrere Nachrichten gesendet, bitte suchen Sie nach der letzten. Eine neue können Sie sich {wait} senden lassen."
    }
    in_a_minute { "in a minute" "in einer Minute" }
    in_minutes(minutes: u32) { "in {minutes} minutes" "in {minutes} Minuten" }
    in_hours(hours: u32) { "in {hours} hours" "in {hours} Stunden" }
    name_too_long { "That name is too long. Please shorten it." "Dieser Name ist zu lang. Bitte kürzen Sie ihn." }
    link_expired {
        "That link is no longer valid. Please request a new one."
        "Dieser Link gilt nicht mehr. Bitte fordern Sie einen neuen an."
    }
    device_code_unknown {
        "We do not know that code, or it is no longer valid. Please compare it with your device."
        "Diesen Code kennen wir nicht, oder er gilt nicht mehr. Bitte vergleichen Sie ihn mit Ihrem Gerät."
    }
    organization_needed { "Please choose an organization." "Bitte wählen Sie eine Organisation." }
    choice_needed { "Please choose one of the options offered." "Bitte wählen Sie eine der angebotenen Möglichkeiten." }
    busy { "That did not work just now. Please try again in a moment." "Das hat gerade nicht geklappt. Bitte versuchen Sie es gleich noch einmal." }
    form_expired {
        "This page was open for a long time. Please try once more."
        "Diese Seite war lange offen. Bitte versuchen Sie es noch einmal."
    }
    sign_up_closed {
        "New accounts can only be created by invitation."
        "Neue Konten gibt es nur auf Einladung."
    }
    passwords_off {
        "Passwords are not used here. Enter your email address and we will send you a code."
        "Passwörter werden hier nicht verwendet. Geben Sie Ihre E\u{2011}Mail-Adresse ein, dann senden wir Ihnen einen Code."
    }
    codes_off {
        "Codes by email are not used for signing in here. Please sign in with your password."
        "Codes per E\u{2011}Mail werden hier zum Anmelden nicht verwendet. Bitte melden Sie sich mit Ihrem Passwort an."
    }
}

// Error pages: title, what happened, what to do.
texts! { troubles_texts:
    request_id { "Request" "Vorgang" }
    trouble_address { "This page does not exist" "Diese Seite gibt es nicht" }
    trouble_address_what { "The address may be mistyped or out of date." "Die Adresse enthält vielleicht einen Tippfehler oder ist veraltet." }
    trouble_address_advice { "Go back to the application you came from." "Gehen Sie zurück zu der Anwendung, von der Sie kommen." }
    trouble_link { "This link is no longer valid" "Dieser Link gilt nicht mehr" }
    trouble_link_what { "It was used already, or it is too old." "Er wurde schon verwendet oder ist zu alt." }
    trouble_link_advice { "Request a new one and open it right away." "Fordern Sie einen neuen an und öffnen Sie ihn gleich." }
    trouble_flow { "This sign-in took too long" "Diese Anmeldung hat zu lange gedauert" }
    trouble_flow_what { "We ended it for your security." "Zu Ihrer Sicherheit wurde sie beendet." }
    trouble_flow_advice { "Nothing is lost: start again from here." "Es ist nichts verloren: Beginnen Sie von hier aus neu." }
    start_again { "Start again" "Neu beginnen" }
    trouble_changed { "This sign-in was ended" "Diese Anmeldung wurde beendet" }
    trouble_changed_what {
        "The account has changed in the meantime, for example because of a new password."
        "Das Konto hat sich inzwischen geändert, zum Beispiel durch ein neues Passwort."
    }
    trouble_form { "This page can no longer be used" "Diese Seite lässt sich nicht mehr verwenden" }
    trouble_form_what {
        "It belongs to an earlier visit, or your browser blocks cookies for this site."
        "Sie gehört zu einem anderen Besuch, oder Ihr Browser speichert für diese Website keine Cookies."
    }
    trouble_form_advice {
        "Allow cookies, go back to where you came from, and try once more in one tab only."
        "Erlauben Sie Cookies, gehen Sie dorthin zurück, woher Sie kamen, und versuchen Sie es noch einmal in nur einem Tab."
    }
    trouble_application { "The application made a mistake" "Die Anwendung hat einen Fehler gemacht" }
    trouble_application_what {
        "It sent you here with a request that we cannot accept. Nothing was passed on."
        "Die Anwendung hat Sie mit einer Anfrage hierher geschickt, die wir nicht annehmen können. Es wurde nichts weitergegeben."
    }
    trouble_application_advice { "Please tell the people who run the application." "Bitte sagen Sie es den Betreibern der Anwendung." }
    trouble_client { "We cannot tell which application this is" "Wir können nicht erkennen, welche Anwendung das ist" }
    trouble_client_what {
        "It identifies itself by a document on the web that we could not read or must not trust. Nothing was passed on."
        "Die Anwendung weist sich durch ein Dokument im Web aus, das wir nicht lesen konnten oder dem wir nicht trauen dürfen. Es wurde nichts weitergegeben."
    }
    trouble_client_advice {
        "Try again in a few minutes. If the problem persists, tell the people who run the application, and give the number below to support."
        "Versuchen Sie es in einigen Minuten noch einmal. Bleibt es dabei, sagen Sie es den Betreibern der Anwendung und nennen Sie dem Support die Nummer unten."
    }
    ask_first { "This application has to be allowed first" "Diese Anwendung muss erst erlaubt werden" }
    ask_first_what(host: &str) {
        "The application from {host} is not known here. Nothing was passed on."
        "Die Anwendung von {host} ist hier nicht bekannt. Es wurde nichts weitergegeben."
    }
    ask_first_advice {
        "Your administrator has to allow it. We have noted that it was asked for; ask them, and then try again."
        "Ihre Administration muss sie erlauben. Wir haben vermerkt, dass danach gefragt wurde. Wenden Sie sich an die Administration und versuchen Sie es dann noch einmal."
    }
    trouble_access { "This invitation is for somebody else" "Diese Einladung gilt jemand anderem" }
    trouble_access_what { "It was sent to a different email address than the one of your account." "Die Einladung wurde an eine andere E\u{2011}Mail-Adresse als die Ihres Kontos gesendet." }
    trouble_access_advice { "Use the account it was sent to." "Machen Sie mit dem Konto weiter, an das sie gesendet wurde." }
    trouble_no_role { "You have no access here" "Sie haben hier keinen Zugang" }
    trouble_no_role_what { "Your account does not have a role in this dashboard, or no longer has one." "Ihr Konto hat für dieses Dashboard keine Rolle, oder keine mehr." }
    trouble_no_role_advice {
        "Ask an owner to invite you, or sign out and use another account."
        "Bitten Sie eine Person mit der Rolle Owner um eine Einladung, oder melden Sie sich ab und verwenden Sie ein anderes Konto."
    }
    trouble_attempts { "Too many attempts" "Zu viele Versuche" }
    trouble_attempts_what { "We received too many requests from your network." "Aus Ihrem Netz kamen sehr viele Anfragen." }
    trouble_attempts_advice { "Wait a few minutes, then try again." "Warten Sie einige Minuten und versuchen Sie es dann noch einmal." }
    trouble_server { "Something went wrong" "Etwas ist schiefgegangen" }
    trouble_server_what { "The mistake is ours, not yours." "Der Fehler liegt bei uns, nicht bei Ihnen." }
    trouble_server_advice { "Try again in a moment." "Versuchen Sie es gleich noch einmal." }
    sign_in_over { "This sign-in has ended" "Diese Anmeldung ist beendet" }
    sign_in_over_what { "It took too long, or it was not completed." "Die Anmeldung hat zu lange gedauert oder wurde nicht abgeschlossen." }
    sign_in_again_advice { "Go back to the application and sign in once more." "Gehen Sie zurück zur Anwendung und melden Sie sich noch einmal an." }
    sign_in_used { "This sign-in was already used" "Hier waren Sie schon" }
    sign_in_used_what { "This address works once, and it has been used." "Diese Adresse gilt nur einmal und wurde schon verwendet." }
    sign_in_used_advice { "If you are not signed in, go back to the application and try again." "Falls Sie nicht angemeldet sind, gehen Sie zurück zur Anwendung und versuchen Sie es noch einmal." }
    other_browser { "This sign-in began elsewhere" "Diese Anmeldung begann woanders" }
    other_browser_what { "A sign-in can only be completed in the browser in which it began." "Eine Anmeldung lässt sich nur in dem Browser abschließen, in dem sie begonnen hat." }
    other_browser_advice { "Continue in that browser, or start again here from the application." "Machen Sie in jenem Browser weiter oder beginnen Sie hier noch einmal in der Anwendung." }
}

// The mailbox for development.
texts! { mailbox_page_texts:
    mailbox { "Mailbox" "Postfach" }
    mailbox_explained { "Emails are kept here instead of being sent: this server is set up for development." "E\u{2011}Mails landen hier, statt gesendet zu werden: Dieser Server ist für die Entwicklung eingerichtet." }
    mailbox_empty { "No emails yet." "Noch keine E\u{2011}Mails." }
    mail_to { "To" "An" }
    mail_time { "Time" "Zeit" }
    back_to_mailbox { "Back to the mailbox" "Zurück zum Postfach" }
}

// Emails.
texts! { mails_texts:
    mail_code_subject(code: &str, name: &str) { "{code} is your code for {name}" "{code} ist Ihr Code für {name}" }
    mail_code_heading { "Your sign-in code" "Ihr Anmeldecode" }
    mail_code_body(name: &str) { "Enter this code to sign in to {name}:" "Mit diesem Code melden Sie sich bei {name} an:" }
    mail_valid(minutes: u32) { "The code is valid for {minutes} minutes. Do not share it with anyone." "Der Code gilt {minutes} Minuten. Geben Sie ihn an niemanden weiter." }
    mail_link_same_browser { "The button only works in the browser where you requested the code. Anywhere else, type the code." "Die Schaltfläche funktioniert in dem Browser, in dem Sie den Code angefordert haben. Überall sonst geben Sie den Code ein." }
    mail_not_you { "If you did not request this, you can ignore this email." "Wenn Sie das nicht angefordert haben, können Sie diese E\u{2011}Mail ignorieren." }
    mail_verify_heading { "Confirm your email address" "Bestätigen Sie Ihre E\u{2011}Mail-Adresse" }
    mail_verify_body(name: &str) { "Enter this code at {name} to confirm that this address is yours:" "Geben Sie diesen Code bei {name} ein, um zu bestätigen, dass diese Adresse Ihnen gehört:" }
    mail_reset_subject(name: &str) { "Choose a new password for {name}" "Neues Passwort für {name} wählen" }
    mail_reset_body(name: &str) { "Somebody, hopefully you, asked to reset your password for {name}." "Jemand, hoffentlich Sie selbst, möchte Ihr Passwort für {name} zurücksetzen." }
    mail_link_valid(minutes: u32) { "The link is valid for {minutes} minutes and works only once." "Der Link gilt {minutes} Minuten und funktioniert nur einmal." }
    mail_reset_not_you { "If it was not you, you can ignore this email: your password stays as it is." "Wenn Sie das nicht waren, können Sie diese E\u{2011}Mail ignorieren: Ihr Passwort bleibt, wie es ist." }
    mail_invitation_subject(organization: &str) { "Invitation to {organization}" "Einladung zu {organization}" }
    mail_invitation_valid_a_day { "The invitation is valid for a day." "Die Einladung gilt einen Tag." }
    mail_invitation_valid(days: u32) { "The invitation is valid for {days} days." "Die Einladung gilt {days} Tage." }
    mail_invitation_valid_until(time: &str) { "The invitation is valid until {time}." "Die Einladung gilt bis {time}." }
    mail_invitation_at(name: &str) { "You can accept the invitation at {name}." "Annehmen können Sie die Einladung bei {name}." }
    mail_invitation_unexpected { "If you were not expecting this invitation, you can ignore this email." "Wenn Sie nicht wissen, wer das ist, können Sie diese E\u{2011}Mail ignorieren." }
    mail_exists_subject(name: &str) { "You already have an account at {name}" "Sie haben schon ein Konto bei {name}" }
    mail_exists_body(name: &str) { "Somebody, hopefully you, wanted to sign up at {name} with this address. There is an account with it already, so just sign in." "Jemand, hoffentlich Sie selbst, wollte sich mit dieser Adresse bei {name} registrieren. Dazu gibt es schon ein Konto. Melden Sie sich einfach an." }
    mail_changed_subject(name: &str) { "Your password for {name} was changed" "Ihr Passwort für {name} wurde geändert" }
    mail_changed_body(name: &str, time: &str) { "Your password for {name} was changed on {time}. You were signed out everywhere." "Ihr Passwort für {name} wurde geändert ({time}). Sie wurden überall abgemeldet." }
    mail_changed_not_you { "If that was not you, reset your password right away:" "Wenn Sie das nicht waren, setzen Sie Ihr Passwort sofort zurück:" }
    mail_factor_added_subject(name: &str) { "Two-step sign-in for {name} is on" "Anmeldung in zwei Schritten für {name} ist aktiv" }
    mail_factor_added_body(name: &str, time: &str) { "Two-step sign-in was turned on for your account at {name} on {time}. When you sign in, you will be asked for a code from your app." "Für Ihr Konto bei {name} wurde die Anmeldung in zwei Schritten eingeschaltet ({time}). Beim Anmelden werden Sie künftig nach einem Code aus Ihrer App gefragt." }
    mail_factor_removed_subject(name: &str) { "Two-step sign-in for {name} is off" "Anmeldung in zwei Schritten für {name} ist ausgeschaltet" }
    mail_factor_removed_body(name: &str, time: &str) { "Your authenticator app was removed from your account at {name} on {time}. You will no longer be asked for its codes." "Ihre Authenticator-App wurde aus Ihrem Konto bei {name} entfernt ({time}). Nach ihren Codes wird nicht mehr gefragt." }
    mail_moved_subject(name: &str) { "Your account at {name} has another email address" "Ihr Konto bei {name} hat eine andere E\u{2011}Mail-Adresse" }
    mail_moved_body(name: &str, email: &str, time: &str) { "The email address of your account at {name} was changed to {email} on {time}. Mail about the account goes there from now on." "Die E\u{2011}Mail-Adresse Ihres Kontos bei {name} wurde in {email} geändert ({time}). E\u{2011}Mails zum Konto gehen ab jetzt dorthin." }
    mail_moved_not_you(name: &str) { "If that was not you, somebody else may have your account: tell {name} right away." "Wenn Sie das nicht waren, hat vielleicht jemand anderes Ihr Konto: Geben Sie {name} sofort Bescheid." }
    mail_button_fallback { "Or open this address:" "Oder öffnen Sie diese Adresse:" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample value for an argument.
    pub(super) trait Sample {
        const SAMPLE: Self;
    }

    impl Sample for &str {
        const SAMPLE: Self = "sample";
    }

    impl Sample for u32 {
        const SAMPLE: Self = 7;
    }

    #[test]
    fn every_text_is_there_and_tidy_in_every_language() {
        for language in Language::ALL {
            let t = language.texts();
            let groups = [
                t.shared_texts(),
                t.signing_in_texts(),
                t.consent_texts(),
                t.second_factor_texts(),
                t.account_texts(),
                t.problems_texts(),
                t.troubles_texts(),
                t.mailbox_page_texts(),
                t.mails_texts(),
                t.portal_texts(),
            ];
            for (name, text) in groups.into_iter().flatten() {
                assert!(!text.trim().is_empty() && text.trim() == text, "{language:?} {name}");
                // A line must never break after the "E" of "E-Mail".
                assert!(!text.contains("E-Mail"), "{language:?} {name}: {text}");
                assert!(!text.contains("  ") && !text.contains(['{', '}', '<', '>']), "{language:?} {name}: {text}");
            }
        }
    }
}
