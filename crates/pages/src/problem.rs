use crate::Language;

/// A form field, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `email`
    Email,
    /// `password`
    Password,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `code`
    Code,
    /// `organization_id`
    OrganizationId,
    /// `user_code`
    UserCode,
}

impl Field {
    /// The name in the form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Code => "code",
            Self::OrganizationId => "organization_id",
            Self::UserCode => "user_code",
        }
    }
}

/// Why a form is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The email address is invalid.
    EmailInvalid,
    /// The email address is missing.
    EmailNeeded,
    /// The email address and password do not match; does not say which of them is wrong.
    CredentialsWrong,
    /// The password is missing.
    PasswordNeeded,
    /// The new password has too few characters.
    PasswordTooShort,
    /// The new password is too easily guessed.
    PasswordTooWeak,
    /// The new password is too long.
    PasswordTooLong,
    /// The code is not the one that was sent.
    CodeWrong,
    /// The code has expired.
    CodeExpired,
    /// The authenticator code was used before.
    CodeUsed,
    /// No further attempts are accepted for a number of minutes.
    TooManyAttempts {
        /// How long to wait, rounded up.
        minutes: u32,
    },
    /// No further messages are sent for a number of minutes.
    TooManyMails {
        /// How long to wait, rounded up.
        minutes: u32,
    },
    /// The name is too long.
    NameTooLong {
        /// The field of the name.
        field: Field,
    },
    /// The link from the email was used before or has expired.
    LinkExpired,
    /// No device is waiting for this code.
    DeviceCodeUnknown,
    /// No organization was chosen.
    OrganizationNeeded,
    /// A required choice is missing.
    ChoiceNeeded,
    /// The server is overloaded.
    Busy,
    /// The form has expired.
    FormExpired,
    /// Self-service sign-up is closed.
    SignUpClosed,
    /// Passwords are disabled here.
    NoPasswords,
    /// Sign-in with emailed codes is disabled here.
    NoCodes,
}

impl Problem {
    /// The field to correct.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::EmailInvalid | Self::EmailNeeded => Some(Field::Email),
            Self::CredentialsWrong
            | Self::PasswordNeeded
            | Self::PasswordTooShort
            | Self::PasswordTooWeak
            | Self::PasswordTooLong => Some(Field::Password),
            Self::CodeWrong | Self::CodeExpired | Self::CodeUsed => Some(Field::Code),
            Self::NameTooLong { field } => Some(field),
            Self::DeviceCodeUnknown => Some(Field::UserCode),
            Self::OrganizationNeeded => Some(Field::OrganizationId),
            Self::TooManyAttempts { .. }
            | Self::TooManyMails { .. }
            | Self::LinkExpired
            | Self::ChoiceNeeded
            | Self::Busy
            | Self::FormExpired
            | Self::SignUpClosed
            | Self::NoPasswords
            | Self::NoCodes => None,
        }
    }

    /// What is wrong and how to fix it.
    pub fn text(self, language: Language) -> String {
        let t = language.texts();
        match self {
            Self::EmailInvalid => t.email_invalid(),
            Self::EmailNeeded => t.email_needed(),
            Self::CredentialsWrong => t.credentials_wrong(),
            Self::PasswordNeeded => t.password_needed(),
            Self::PasswordTooShort => t.password_too_short(),
            Self::PasswordTooWeak => t.password_too_weak(),
            Self::PasswordTooLong => t.password_too_long(),
            Self::CodeWrong => t.code_wrong(),
            Self::CodeExpired => t.code_expired(),
            Self::CodeUsed => t.code_used(),
            Self::TooManyAttempts { minutes } => return t.too_many_attempts(&wait(minutes, language)),
            Self::TooManyMails { minutes } => return t.too_many_mails(&wait(minutes, language)),
            Self::NameTooLong { .. } => t.name_too_long(),
            Self::LinkExpired => t.link_expired(),
            Self::DeviceCodeUnknown => t.device_code_unknown(),
            Self::OrganizationNeeded => t.organization_needed(),
            Self::ChoiceNeeded => t.choice_needed(),
            Self::Busy => t.busy(),
            Self::FormExpired => t.form_expired(),
            Self::SignUpClosed => t.sign_up_closed(),
            Self::NoPasswords => t.passwords_off(),
            Self::NoCodes => t.codes_off(),
        }
        .to_owned()
    }
}

/// How long to wait, in words: in hours if it is more than an hour and a half.
fn wait(minutes: u32, language: Language) -> String {
    let t = language.texts();
    match minutes {
        0 | 1 => t.in_a_minute().to_owned(),
        2..=90 => t.in_minutes(minutes),
        _ => t.in_hours(minutes.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_to_count_in_thousands_of_minutes() {
        let told = |minutes| Problem::TooManyAttempts { minutes }.text(Language::English);
        assert_eq!(told(1), "Too many attempts. Please try again in a minute.");
        assert_eq!(told(90), "Too many attempts. Please try again in 90 minutes.");
        assert_eq!(told(1437), "Too many attempts. Please try again in 24 hours.");
        let mails = Problem::TooManyMails { minutes: 12 }.text(Language::German);
        assert!(mails.contains("in 12 Minuten"), "{mails}");
    }
}
