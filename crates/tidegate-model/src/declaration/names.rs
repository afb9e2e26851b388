//! Lists of names, which the configuration may write in a short form.

use std::{collections::BTreeMap, fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A list of names: `["a", "b"]`, or `"a"` where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Deref for Names {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a list of names")
    }

    fn visit_str<E>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![name.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        Ok(Names(names))
    }
}

/// A place inside a JSON column: a text nests at its dots, a list holds the keys as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(pub Vec<String>);

impl<'de> Deserialize<'de> for JsonPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonPathVisitor)
    }
}

struct JsonPathVisitor;

impl<'de> Visitor<'de> for JsonPathVisitor {
    type Value = JsonPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path such as \"address.city\", or a list of keys")
    }

    fn visit_str<E>(self, path: &str) -> Result<JsonPath, E> {
        Ok(JsonPath(path.split('.').map(str::to_owned).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<JsonPath, A::Error> {
        NamesVisitor.visit_seq(list).map(|keys| JsonPath(keys.0))
    }
}

/// Short names of a scope and the field of each: `["status"]`, or `{ state = "status" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shorthands(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Shorthands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShorthandsVisitor)
    }
}

struct ShorthandsVisitor;

impl<'de> Visitor<'de> for ShorthandsVisitor {
    type Value = Shorthands;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of fields, or a table of short names and their fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shorthands, A::Error> {
        let mut shorthands = BTreeMap::new();
        while let Some(field) = list.next_element::<String>()? {
            shorthands.insert(field.clone(), field);
        }
        Ok(Shorthands(shorthands))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Shorthands, A::Error> {
        let mut shorthands = BTreeMap::new();
        while let Some((name, field)) = table.next_entry()? {
            shorthands.insert(name, field);
        }
        Ok(Shorthands(shorthands))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Document {
        names: Names,
        shorthands: Shorthands,
        path: Option<JsonPath>,
    }

    fn read(text: &str) -> Document {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_single_name_needs_no_list() {
        let document = read("names = 'id'\nshorthands = ['status']");
        assert_eq!(document.names.0, ["id"]);
        assert_eq!(document.shorthands.0["status"], "status");
        let document = read("names = ['a', 'b']\nshorthands = { state = 'status' }");
        assert_eq!(document.names.0, ["a", "b"]);
        assert_eq!(document.shorthands.0["state"], "status");
    }

    #[test]
    fn the_dots_of_a_path_nest_but_not_those_of_its_keys() {
        let path = |text: &str| {
            read(&format!("names = []\nshorthands = []\npath = {text}")).path.unwrap().0
        };
        assert_eq!(path("'a.b'"), ["a", "b"]);
        assert_eq!(path("['a.b']"), ["a.b"]);
    }
}
