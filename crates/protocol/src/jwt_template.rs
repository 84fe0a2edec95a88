//! JWT templates: an environment's additions to the claims of users' access tokens. A template is parsed when it is
//! saved, which reports every possible error in it, and rendered whenever a token is issued.
//!
//! It is the text of a JSON object in which `{{ user.email }}` is a placeholder for a value: on its own, for the value
//! itself; inside a string, for its text. `{{ a || b || 'word' }}` takes the first one present. There are no filters or
//! conditions.

use serde_json::{Map, Number, Value};

/// The maximum length of a template's text, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;
/// The maximum size of the JSON that a template may render to, in bytes.
pub const MAX_RENDERED_LENGTH: usize = 3072;
/// Claims about the token itself, which a template can never set.
pub const RESERVED: [&str; 6] = ["iss", "sub", "exp", "iat", "nbf", "jti"];

/// The maximum nesting depth of lists and objects.
const DEEPEST: usize = 16;

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    claims: Vec<(String, Node)>,
    needs: Needs,
}

/// What a template refers to: nothing else needs to be loaded to render it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// The user.
    pub user: bool,
    /// The selected organization.
    pub organization: bool,
    /// The user's membership in it.
    pub membership: bool,
}

/// The values a template is rendered with, as shown in the management API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// The user.
    pub user: Option<&'a Value>,
    /// The selected organization.
    pub organization: Option<&'a Value>,
    /// The user's membership in it.
    pub membership: Option<&'a Value>,
}

/// Why a text is not a valid template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is too long.
    #[error("must have at most {MAX_LENGTH} bytes")]
    TooLong,
    /// It is malformed.
    #[error("line {line}, column {column}: {what}")]
    Malformed {
        /// The line, starting at one.
        line: usize,
        /// The column in characters, starting at one.
        column: usize,
        /// The problem at that position.
        what: &'static str,
    },
    /// It has no claims.
    #[error("must have a claim")]
    Empty,
    /// It sets a reserved claim.
    #[error("must not set the claim '{0}'")]
    Reserved(String),
}

/// The rendered template exceeds [`MAX_RENDERED_LENGTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the JWT template renders to more than {MAX_RENDERED_LENGTH} bytes")]
pub struct TooBig;

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Null, a boolean or a number.
    Plain(Value),
    Text(Vec<Piece>),
    Value(Expression),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Plain(String),
    Value(Expression),
}

/// Terms of which the first one present is used.
#[derive(Debug, Clone, PartialEq)]
struct Expression(Vec<Term>);

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Word(String),
    Path(Root, Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    User,
    Organization,
    Membership,
}

impl Root {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "organization" => Some(Self::Organization),
            "organization_membership" => Some(Self::Membership),
            _ => None,
        }
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() > MAX_LENGTH {
            return Err(Wrong::TooLong);
        }
        let mut reader = Reader { text, at: 0, needs: Needs::default() };
        let claims = reader.document().map_err(|what| {
            let before = &text[..reader.at];
            let line = before.rsplit('\n').next().unwrap_or("");
            Wrong::Malformed { line: before.matches('\n').count() + 1, column: line.chars().count() + 1, what }
        })?;
        if claims.is_empty() {
            return Err(Wrong::Empty);
        }
        if let Some((name, _)) = claims.iter().find(|(name, _)| RESERVED.contains(&name.as_str())) {
            return Err(Wrong::Reserved(name.clone()));
        }
        Ok(Self { claims, needs: reader.needs })
    }

    /// What the template refers to.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Renders the claims for these values. A claim that evaluates to null is omitted.
    ///
    /// # Errors
    /// [`TooBig`].
    pub fn render(&self, values: Values<'_>) -> Result<Map<String, Value>, TooBig> {
        let mut claims = Map::new();
        let mut renderer = Renderer { values, left: MAX_RENDERED_LENGTH };
        for (name, node) in &self.claims {
            let value = renderer.node(node)?;
            if !value.is_null() {
                claims.insert(name.clone(), value);
            }
        }
        // The renderer bounds its output; the exact length depends on JSON escapes.
        let length = serde_json::to_vec(&claims).map_or(usize::MAX, |text| text.len());
        if length <= MAX_RENDERED_LENGTH { Ok(claims) } else { Err(TooBig) }
    }
}

struct Renderer<'a> {
    values: Values<'a>,
    /// The number of bytes left, as an upper bound, so that no work is wasted on output that is too long anyway.
    left: usize,
}

impl<'a> Renderer<'a> {
    fn take(&mut self, bytes: usize) -> Result<(), TooBig> {
        self.left = self.left.checked_sub(bytes).ok_or(TooBig)?;
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<Value, TooBig> {
        Ok(match node {
            Node::Plain(value) => value.clone(),
            Node::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Plain(plain) => {
                            self.take(plain.len())?;
                            text.push_str(plain);
                        }
                        Piece::Value(expression) => {
                            let word = self.text(expression);
                            self.take(word.len())?;
                            text.push_str(&word);
                        }
                    }
                }
                Value::String(text.trim().to_owned())
            }
            Node::Value(expression) => match self.find(expression) {
                Found::Nothing => Value::Null,
                Found::Word(word) => self.string(word)?,
                Found::Value(Value::String(text)) => self.string(text)?,
                Found::Value(value) => {
                    self.take(serde_json::to_vec(value).map_or(usize::MAX, |text| text.len()))?;
                    value.clone()
                }
            },
            Node::List(nodes) => Value::Array(nodes.iter().map(|node| self.node(node)).collect::<Result<_, _>>()?),
            Node::Object(members) => {
                let member = |(name, node): &(String, Node)| Ok((name.clone(), self.node(node)?));
                Value::Object(members.iter().map(member).collect::<Result<_, _>>()?)
            }
        })
    }

    fn string(&mut self, text: &str) -> Result<Value, TooBig> {
        let text = text.trim();
        self.take(text.len())?;
        Ok(Value::String(text.to_owned()))
    }

    /// The text of an expression inside a string: empty for a value that has none.
    fn text<'t>(&self, expression: &'t Expression) -> std::borrow::Cow<'t, str>
    where
        'a: 't,
    {
        match self.find(expression) {
            Found::Word(word) => word.into(),
            Found::Value(Value::String(text)) => text.as_str().into(),
            Found::Value(Value::Bool(truth)) => truth.to_string().into(),
            Found::Value(Value::Number(number)) => number.to_string().into(),
            Found::Nothing | Found::Value(_) => "".into(),
        }
    }

    /// Returns the first of an expression's terms that is present.
    fn find<'t>(&self, expression: &'t Expression) -> Found<'t>
    where
        'a: 't,
    {
        for term in &expression.0 {
            match term {
                Term::Word(word) => return Found::Word(word),
                Term::Path(root, names) => {
                    let root = match root {
                        Root::User => self.values.user,
                        Root::Organization => self.values.organization,
                        Root::Membership => self.values.membership,
                    };
                    let value = names.iter().try_fold(root, |value, name| Some(value?.get(name.as_str())));
                    if let Some(value) = value.flatten().filter(|value| !value.is_null()) {
                        return Found::Value(value);
                    }
                }
            }
        }
        Found::Nothing
    }
}

enum Found<'a> {
    Nothing,
    Word(&'a str),
    Value(&'a Value),
}

/// Whether a path always refers to an object or list, which cannot appear inside a string.
fn is_whole(path: &Term) -> bool {
    let Term::Path(root, names) = path else { return false };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    matches!(
        (root, names.as_slice()),
        (_, [])
            | (Root::User, ["metadata" | "identities"])
            | (Root::Organization, ["metadata" | "domains"])
            | (Root::Membership, ["role" | "roles" | "custom_attributes"])
    )
}

/// Parses a template from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    needs: Needs,
}

type Read<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Skips a token, if it comes next.
    fn skip(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    fn expect(&mut self, mark: &str, what: &'static str) -> Read<()> {
        if self.skip(mark) { Ok(()) } else { Err(what) }
    }

    fn document(&mut self) -> Read<Vec<(String, Node)>> {
        self.space();
        if self.rest().starts_with("{{") || !self.skip("{") {
            return Err("a template is a JSON object");
        }
        let claims = self.members(1)?;
        self.space();
        if self.rest().is_empty() { Ok(claims) } else { Err("nothing may come after the object") }
    }

    fn node(&mut self, depth: usize) -> Read<Node> {
        if depth > DEEPEST {
            return Err("this is nested too deep");
        }
        self.space();
        if self.skip("{{") {
            return self.expression().map(Node::Value);
        }
        if self.skip("{") {
            return self.members(depth).map(Node::Object);
        }
        if self.skip("[") {
            return self.list(depth).map(Node::List);
        }
        if self.rest().starts_with('"') {
            let begin = self.at;
            let text = self.string()?;
            return self.pieces(&text).inspect_err(|_| self.at = begin).map(Node::Text);
        }
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            if self.skip(word) {
                return Ok(Node::Plain(value));
            }
        }
        let length = self.rest().find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let digits = &self.rest()[..length.unwrap_or(self.rest().len())];
        let number: Number = serde_json::from_str(digits).map_err(|_| "a value is missing here")?;
        self.at += digits.len();
        Ok(Node::Plain(Value::Number(number)))
    }

    fn members(&mut self, depth: usize) -> Read<Vec<(String, Node)>> {
        let mut members: Vec<(String, Node)> = Vec::new();
        self.space();
        if self.skip("}") {
            return Ok(members);
        }
        loop {
            self.space();
            let begin = self.at;
            let name = self.string()?;
            if name.contains("{{") {
                self.at = begin;
                return Err("a name cannot be made of values");
            }
            if members.iter().any(|(known, _)| *known == name) {
                self.at = begin;
                return Err("this name comes twice");
            }
            self.space();
            self.expect(":", "':' is missing here")?;
            members.push((name, self.node(depth + 1)?));
            self.space();
            if self.skip("}") {
                return Ok(members);
            }
            self.expect(",", "',' or '}' is missing here")?;
        }
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Node>> {
        let mut nodes = Vec::new();
        self.space();
        if self.skip("]") {
            return Ok(nodes);
        }
        loop {
            nodes.push(self.node(depth + 1)?);
            self.space();
            if self.skip("]") {
                return Ok(nodes);
            }
            self.expect(",", "',' or ']' is missing here")?;
        }
    }

    /// Parses a JSON string, resolving its escapes.
    fn string(&mut self) -> Read<String> {
        let rest = self.rest();
        if !rest.starts_with('"') {
            return Err("'\"' is missing here");
        }
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let length = end.ok_or("this string does not end")? + 2;
        let text = serde_json::from_str(&rest[..length]).map_err(|_| "this is no JSON string")?;
        self.at += length;
        Ok(text)
    }

    /// Splits a string into plain text and expressions.
    fn pieces(&mut self, text: &str) -> Read<Vec<Piece>> {
        let mut inner = Reader { text, at: 0, needs: self.needs };
        let mut pieces = Vec::new();
        while let Some(plain) = inner.rest().find("{{") {
            if plain > 0 {
                pieces.push(Piece::Plain(inner.rest()[..plain].to_owned()));
            }
            inner.at += plain + 2;
            let expression = inner.expression()?;
            if expression.0.iter().any(is_whole) {
                return Err("an object or a list cannot stand inside a string");
            }
            pieces.push(Piece::Value(expression));
        }
        if !inner.rest().is_empty() {
            pieces.push(Piece::Plain(inner.rest().to_owned()));
        }
        self.needs = inner.needs;
        Ok(pieces)
    }

    /// Parses what follows `{{`, up to and including `}}`.
    fn expression(&mut self) -> Read<Expression> {
        let mut terms = Vec::new();
        loop {
            self.space();
            terms.push(self.term()?);
            self.space();
            if self.skip("}}") {
                return Ok(Expression(terms));
            }
            self.expect("||", "'||' or '}}' is missing here")?;
        }
    }

    fn term(&mut self) -> Read<Term> {
        if self.skip("'") {
            let length = self.rest().find('\'').ok_or("this word in quotes does not end")?;
            let word = self.rest()[..length].to_owned();
            self.at += length + 1;
            return Ok(Term::Word(word));
        }
        let begin = self.at;
        let mut names = vec![self.name()?];
        while self.skip(".") {
            names.push(self.name()?);
        }
        let Some(root) = Root::parse(&names.remove(0)) else {
            self.at = begin;
            return Err("a value begins with user, organization or organization_membership");
        };
        match root {
            Root::User => self.needs.user = true,
            Root::Organization => self.needs.organization = true,
            Root::Membership => self.needs.membership = true,
        }
        Ok(Term::Path(root, names))
    }

    fn name(&mut self) -> Read<String> {
        let end = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
        let name = self.rest()[..end.unwrap_or(self.rest().len())].to_owned();
        if name.is_empty() {
            return Err("a name such as user.email, or a word in single quotes, is missing here");
        }
        self.at += name.len();
        Ok(name)
    }
}

#[cfg(test)]
mod tests;
