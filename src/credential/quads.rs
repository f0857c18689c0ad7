//! What our own credentials mean, written directly: the same canonical N-Quads as by way of [`super::linked_data`], without reading
//! contexts.
//!
//! The [`super::shapes`] say what each member means. Objects without a name get canonical ones by the hash of what is said about them
//! (RDFC-1.0, 4.6). Where two of them hash alike, more has to be asked, and the document goes the general way.

use super::linked_data::{self, MeaningFault};
use super::shapes::{CREDENTIAL, Form, Means, Shape, TYPES};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const RDF_TYPE: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>";

/// The canonical N-Quads of a document that passed the conformance rules for credentials.
///
/// # Errors
/// As [`linked_data::canonical_quads`], for a document that is not written in the terms of ours.
pub(super) fn of_credential(document: &Value) -> Result<String, MeaningFault> {
    match document.as_object().and_then(|members| Statements::read(members, &CREDENTIAL)) {
        Some(statements) => Ok(statements),
        None => linked_data::canonical_quads(document),
    }
}

/// A subject or object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// As it stands in N-Quads.
    Term(String),
    Blank(usize),
}

/// What is said, in the order of reading.
#[derive(Default)]
struct Statements {
    said: Vec<(Node, &'static str, Node)>,
    blanks: usize,
}

impl Statements {
    fn read(document: &Map<String, Value>, shape: &Shape) -> Option<String> {
        let mut statements = Statements::default();
        statements.object(document, shape)?;
        statements.said.sort();
        statements.said.dedup();
        statements.canonical()
    }

    fn object(&mut self, object: &Map<String, Value>, shape: &Shape) -> Option<Node> {
        let node = match object.get("id") {
            Some(id) => Node::Term(format!("<{}>", id.as_str()?)),
            None => {
                self.blanks += 1;
                Node::Blank(self.blanks - 1)
            }
        };
        for (name, value) in object {
            match name.as_str() {
                "@context" => continue,
                "type" => {
                    for name in items(value) {
                        let iri = TYPES.iter().find(|(known, _)| name == known)?.1;
                        self.said.push((node.clone(), RDF_TYPE, Node::Term(format!("<{iri}>"))));
                    }
                    continue;
                }
                _ => {}
            }
            let member = shape.members.iter().find(|member| member.0 == name)?;
            match (member.3, member.1) {
                (Means::Id, _) => {}
                (Means::Plain(property), _) => self.said.push((node.clone(), property, Node::Term(literal(value.as_str()?, None)))),
                (Means::Typed(property, datatype), Form::Boolean) => self.said.push((node.clone(), property, Node::Term(literal(if value.as_bool()? { "true" } else { "false" }, Some(datatype))))),
                (Means::Typed(property, datatype), _) => self.said.push((node.clone(), property, Node::Term(literal(value.as_str()?, Some(datatype))))),
                (Means::Iri(property), _) => self.said.push((node.clone(), property, Node::Term(format!("<{}>", value.as_str()?)))),
                (Means::Node(property), Form::One(shape) | Form::Many(shape)) => {
                    for item in items(value) {
                        let object = self.object(item.as_object()?, shape)?;
                        self.said.push((node.clone(), property, object));
                    }
                }
                (Means::Node(_) | Means::Elsewhere, _) => return None,
            }
        }
        Some(node)
    }

    /// None when two objects without a name cannot be told apart by what is said about each.
    fn canonical(&self) -> Option<String> {
        let mut of_blank: Vec<Vec<usize>> = vec![Vec::new(); self.blanks];
        for (index, (subject, _, object)) in self.said.iter().enumerate() {
            for node in [subject, object] {
                if let Node::Blank(blank) = node {
                    of_blank[*blank].push(index);
                }
            }
        }
        let mut hashes: Vec<([u8; 32], usize)> = of_blank.iter().enumerate().map(|(blank, places)| (self.first_degree_hash(blank, places), blank)).collect();
        hashes.sort_unstable();
        if hashes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let mut numbers = vec![0; self.blanks];
        for (number, (_, blank)) in hashes.iter().enumerate() {
            numbers[*blank] = number;
        }
        let lines = self.said.iter().map(|statement| line(statement, |out, blank| write!(out, "_:c14n{}", numbers[blank]).expect("a text takes everything")));
        Some(sorted(lines))
    }

    /// RDFC-1.0, 4.6: the object itself is `_:a` in its statements, every other one `_:z`.
    fn first_degree_hash(&self, blank: usize, places: &[usize]) -> [u8; 32] {
        let lines = places.iter().map(|place| line(&self.said[*place], |out, other| out.push_str(if other == blank { "_:a" } else { "_:z" })));
        Sha256::digest(sorted(lines)).into()
    }
}

fn sorted(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    lines.concat()
}

fn line((subject, property, object): &(Node, &'static str, Node), name: impl Fn(&mut String, usize)) -> String {
    let mut out = String::with_capacity(240);
    let node = |out: &mut String, node: &Node| match node {
        Node::Term(term) => out.push_str(term),
        Node::Blank(blank) => name(out, *blank),
    };
    node(&mut out, subject);
    out.push(' ');
    if *property == RDF_TYPE {
        out.push_str(property);
    } else {
        out.push('<');
        out.push_str(property);
        out.push('>');
    }
    out.push(' ');
    node(&mut out, object);
    out.push_str(" .\n");
    out
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// A literal in the canonical form of N-Quads (RDFC-1.0, 5).
fn literal(text: &str, datatype: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len() + 60);
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\u{1f}' | '\u{7f}' => write!(out, "\\u{:04X}", u32::from(c)).expect("a text takes everything"),
            other => out.push(other),
        }
    }
    out.push('"');
    if let Some(datatype) = datatype {
        out.push_str("^^<");
        out.push_str(datatype);
        out.push('>');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::super::document::tests::{any_facts, sample};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn direct(document: &Value) -> Option<String> {
        Statements::read(document.as_object().unwrap(), &CREDENTIAL)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn both_ways_say_the_same(facts in any_facts()) {
            let document = facts.compose();
            prop_assume!(conformance::check(&document).is_ok());
            let written = direct(&document);
            prop_assert!(written.is_some());
            prop_assert_eq!(written.unwrap(), linked_data::canonical_quads(&document).unwrap());
        }
    }

    #[test]
    fn objects_that_cannot_be_told_apart_go_the_general_way() {
        let mut document = sample().compose();
        let result = document["credentialSubject"]["result"][0].clone();
        document["credentialSubject"]["result"].as_array_mut().unwrap().push(result);
        assert_eq!(direct(&document), None);
        assert_eq!(of_credential(&document), linked_data::canonical_quads(&document));
    }

    #[test]
    fn terms_that_only_the_contexts_know_go_the_general_way() {
        let mut document = sample().compose();
        document["credentialSubject"]["creditsEarned"] = json!(6.5);
        assert_eq!(direct(&document), None);
        let quads = of_credential(&document).unwrap();
        assert!(quads.contains("creditsEarned"), "{quads}");
    }
}
