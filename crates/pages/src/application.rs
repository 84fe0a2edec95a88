use crate::Logo;

/// The application that the user came from.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its logo; may be empty.
    pub logo: &'a Logo,
}
