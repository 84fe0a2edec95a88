use crate::Logo;

/// The application that people come from.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its logo; may be empty.
    pub logo: &'a Logo,
}
