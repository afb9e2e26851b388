//! A place in what was sent, written as a JSON pointer only where a fault needs it.

use std::fmt;

use crate::fault::Fault;

/// A place, as a chain of steps on the stack: going down costs nothing, so that ten thousand keys
/// can be checked without writing ten thousand pointers.
#[derive(Clone, Copy, Debug)]
pub struct Pointer<'a> {
    parent: Option<&'a Pointer<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Prefix(&'a str),
    Member(&'a str),
    Index(usize),
}

impl<'a> Pointer<'a> {
    /// The document as a whole.
    pub const ROOT: Pointer<'static> = Pointer { parent: None, step: Step::Prefix("") };

    /// A place that is already a JSON pointer: `/scope`.
    pub fn at(prefix: &'a str) -> Self {
        Self { parent: None, step: Step::Prefix(prefix) }
    }

    /// A member of the object here.
    pub fn member<'b>(&'b self, name: &'b str) -> Pointer<'b> {
        Pointer { parent: Some(self), step: Step::Member(name) }
    }

    /// An element of the list here.
    pub fn index(&self, index: usize) -> Pointer<'_> {
        Pointer { parent: Some(self), step: Step::Index(index) }
    }

    /// A fault at this place.
    pub fn fault(&self, detail: impl Into<String>) -> Fault {
        Fault::new(self.to_string(), detail)
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Prefix(prefix) => f.write_str(prefix),
            Step::Member(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_back_to_its_place() {
        let document = serde_json::json!({"a/b": [{"c~d": 1}]});
        let (list, first);
        let place = {
            list = Pointer::ROOT.member("a/b");
            first = list.index(0);
            first.member("c~d")
        };
        assert_eq!(place.to_string(), "/a~1b/0/c~0d");
        assert_eq!(document.pointer(&place.to_string()), Some(&serde_json::json!(1)));
        assert_eq!(Pointer::at("/scope").member("ids").to_string(), "/scope/ids");
    }
}
