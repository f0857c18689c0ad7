//! From a JSON-LD document to what it means: canonical N-Quads (JSON-LD 1.1, RDF Dataset Canonicalization 1.0).
//!
//! A term that no context defines would be dropped without a word, and with it a claim from under the signature. So the document is
//! read a second time with a vocabulary and a base of our own behind everything that is undefined: whatever then names one of the two
//! would have been lost (DI, "Securing Data Losslessly"). That reading is lenient, so that names which are no IRIs, and which a strict
//! reading drops, are there to be found; what both readings drop is refused by its form (`check_written`).

use super::contexts;
use oxiri::Iri;
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::{BlankNode, GraphName, Literal, NamedOrBlankNode, Quad, Term};
use rdf_canon::{CanonicalizationOptions, canonicalize_with};
use crate::domain::text::Text;
use serde_json::{Value, json};
use sha2::Sha256;

/// Stands behind terms that no context defines.
const UNDEFINED: &str = "urn:x-undefined:";
/// Stands before identifiers that are not absolute.
const RELATIVE: &str = "x-relative://document/";
/// How much work a document may ask of the canonicalization: a hostile one can be made to take for ever (RDFC-1.0, 7.1).
const CALL_LIMIT: usize = 4_000;
const I18N: &str = "https://www.w3.org/ns/i18n#";

/// Why a document has no canonical meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeaningFault {
    #[error("a JSON-LD document expected: {0}")]
    NotLinkedData(String),
    #[error("a term or type that no context defines found")]
    UndefinedTerm,
    #[error("an identifier that is not absolute found")]
    RelativeIdentifier,
    #[error("a name that is no IRI, or a language that is none, found: {0}")]
    MalformedName(String),
    #[error("a keyword that JSON-LD does not know, a blank node as property, or a value of null found: {0}")]
    DroppedMember(String),
    #[error("an inline context that takes the vocabulary or a term away, or renames a keyword, found")]
    ForbiddenContext,
    #[error("the document takes too long to be put in canonical order")]
    TooComplex,
}

impl MeaningFault {
    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            MeaningFault::NotLinkedData(_) => "不是可读的 JSON-LD",
            MeaningFault::UndefinedTerm => "含有任何上下文都未定义的术语或类型",
            MeaningFault::RelativeIdentifier => "含有非绝对的标识",
            MeaningFault::MalformedName(_) => "含有不是 IRI 的名称，或不存在的语言",
            MeaningFault::DroppedMember(_) => "含有 JSON-LD 不识别的关键字、以空白节点为属性的成员，或空值",
            MeaningFault::ForbiddenContext => "内嵌上下文取消了词汇表或术语，或改名了关键字",
            MeaningFault::TooComplex => "文件过于复杂，无法在限度内排成规范顺序",
        };
        Text::new(self.to_string(), zh)
    }
}

/// The canonical N-Quads of a document.
///
/// # Errors
/// Unknown contexts, terms and identifiers that would be lost, documents made to exhaust the reader.
pub fn canonical_quads(document: &Value) -> Result<String, MeaningFault> {
    let document = prepared(document);
    check_prepared(&document)?;
    let dataset: oxrdf_02::Dataset = quads_of(&document, Reading::Strict)?.iter().map(older_quad).collect();
    canonical(&dataset)
}

fn canonical(dataset: &oxrdf_02::Dataset) -> Result<String, MeaningFault> {
    canonicalize_with::<Sha256>(dataset, &CanonicalizationOptions { hndq_call_limit: Some(CALL_LIMIT) }).map_err(|_| MeaningFault::TooComplex)
}

/// Checks that nothing of a document would be lost.
///
/// # Errors
/// As [`canonical_quads`].
pub fn check_lossless(document: &Value) -> Result<(), MeaningFault> {
    check_prepared(&prepared(document))
}

/// A document as the parser wants it.
fn prepared(document: &Value) -> Value {
    let mut document = document.clone();
    typed_directions(&mut document);
    unwrap_contexts(&mut document);
    document
}

/// How a document is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// What is no IRI is dropped.
    Strict,
    /// Nothing is dropped for its name; identifiers that are not absolute stand behind [`RELATIVE`].
    Guarded,
}

fn check_prepared(document: &Value) -> Result<(), MeaningFault> {
    check_written(document)?;
    let mut guarded = document.clone();
    let members = guarded.as_object_mut().ok_or_else(|| MeaningFault::NotLinkedData("not an object".to_owned()))?;
    let given = match members.shift_remove("@context") {
        Some(Value::Array(contexts)) => contexts,
        Some(context) => vec![context],
        None => return Err(MeaningFault::NotLinkedData("no @context".to_owned())),
    };
    // In front, so that a context with a vocabulary of its own still has its say.
    let contexts: Vec<Value> = std::iter::once(json!({ "@vocab": UNDEFINED })).chain(given).collect();
    members.insert("@context".to_owned(), Value::Array(contexts));
    quads_of(&guarded, Reading::Guarded)?.iter().try_for_each(check_quad)
}

/// Whether a quad of the guarded reading stands in the strict reading just so.
fn check_quad(quad: &Quad) -> Result<(), MeaningFault> {
    let graph = match &quad.graph_name {
        GraphName::NamedNode(node) => Some(node.as_str()),
        GraphName::BlankNode(_) | GraphName::DefaultGraph => None,
    };
    let names = [subject_iri(&quad.subject), Some(quad.predicate.as_str()), object_iri(&quad.object), graph];
    for name in names.into_iter().flatten() {
        if name.starts_with(UNDEFINED) {
            return Err(MeaningFault::UndefinedTerm);
        }
        if name.starts_with(RELATIVE) {
            return Err(MeaningFault::RelativeIdentifier);
        }
        // A blank node as property is none in RDF, and has no scheme.
        if name.starts_with("_:") || Iri::parse(name).is_err() {
            return Err(MeaningFault::MalformedName(shortened(name)));
        }
    }
    let blanks = [subject_blank(&quad.subject), object_blank(&quad.object)];
    if let Some(label) = blanks.into_iter().flatten().find(|label| BlankNode::new(*label).is_err()) {
        return Err(MeaningFault::MalformedName(shortened(label)));
    }
    match &quad.object {
        Term::Literal(literal) => match literal.language() {
            Some(language) if Literal::new_language_tagged_literal("", language).is_err() => Err(MeaningFault::MalformedName(shortened(language))),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(80).collect()
}

fn subject_iri(subject: &NamedOrBlankNode) -> Option<&str> {
    match subject {
        NamedOrBlankNode::NamedNode(node) => Some(node.as_str()),
        NamedOrBlankNode::BlankNode(_) => None,
    }
}

fn subject_blank(subject: &NamedOrBlankNode) -> Option<&str> {
    match subject {
        NamedOrBlankNode::NamedNode(_) => None,
        NamedOrBlankNode::BlankNode(node) => Some(node.as_str()),
    }
}

fn object_iri(object: &Term) -> Option<&str> {
    match object {
        Term::NamedNode(node) => Some(node.as_str()),
        Term::Literal(literal) => Some(literal.datatype().as_str()),
        Term::BlankNode(_) => None,
    }
}

fn object_blank(object: &Term) -> Option<&str> {
    match object {
        Term::BlankNode(node) => Some(node.as_str()),
        Term::NamedNode(_) | Term::Literal(_) => None,
    }
}

fn quads_of(document: &Value, reading: Reading) -> Result<Vec<Quad>, MeaningFault> {
    let text = document.to_string();
    let fault = |error: String| MeaningFault::NotLinkedData(error);
    let mut parser = JsonLdParser::new();
    if reading == Reading::Guarded {
        parser = parser.lenient().with_base_iri(RELATIVE).map_err(|error| fault(error.to_string()))?;
    }
    let parser = parser.for_slice(text.as_bytes()).with_load_document_callback(|url, _| match contexts::find(url) {
        Some(text) => Ok(JsonLdRemoteDocument { document: text.as_bytes().to_vec(), document_url: url.to_owned() }),
        None => Err("a context that is compiled in expected".into()),
    });
    parser.map(|quad| quad.map_err(|error| fault(error.to_string()))).collect()
}

/// Texts with a direction become texts of a type that says language and direction, `rdfDirection` `i18n-datatype` (VCDM 2.0, section 11.1).
fn typed_directions(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(typed_directions),
        Value::Object(members) => {
            if let (Some(Value::String(_)), Some(Value::String(direction))) = (members.get("@value"), members.get("@direction")) {
                let language = members.get("@language").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                let datatype = format!("{I18N}{language}_{direction}");
                members.retain(|name, _| name == "@value");
                members.insert("@type".to_owned(), json!(datatype));
            }
            members.values_mut().for_each(typed_directions);
        }
        _ => {}
    }
}

/// A whole context document in the place of a context stands for what is in it, as the other implementations read it.
fn unwrap_contexts(document: &mut Value) {
    let unwrap = |context: &mut Value| {
        if let Some(inner) = context.as_object_mut().filter(|members| members.len() == 1).and_then(|members| members.shift_remove("@context")) {
            *context = inner;
        }
    };
    match document.get_mut("@context") {
        Some(Value::Array(contexts)) => contexts.iter_mut().for_each(unwrap),
        Some(context) => unwrap(context),
        None => {}
    }
}

/// Keywords that a document may use as names of members (JSON-LD 1.1, section 9).
const KEYWORDS: &[&str] = &["@context", "@direction", "@graph", "@id", "@included", "@index", "@language", "@list", "@nest", "@reverse", "@set", "@type", "@value"];
/// Keywords that stand in a context beside its terms (section 9.15).
const CONTEXT_KEYWORDS: &[&str] = &["@base", "@direction", "@import", "@language", "@propagate", "@protected", "@version", "@vocab"];

/// Whether a text looks like a keyword: every reading ignores those that it does not know.
fn has_keyword_form(text: &str) -> bool {
    text.strip_prefix('@').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Refuses what every reading drops without a word.
fn check_written(value: &Value) -> Result<(), MeaningFault> {
    let dropped = |name: &str| Err(MeaningFault::DroppedMember(shortened(name)));
    match value {
        Value::Array(items) => items.iter().try_for_each(check_written),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "@context" {
                    check_context(value)?;
                    continue;
                }
                let is_unknown = has_keyword_form(name) && !KEYWORDS.contains(&name.as_str());
                if is_unknown || name.starts_with("_:") || (name == "@value" && value.is_null()) {
                    return dropped(name);
                }
                if ["type", "@type"].contains(&name.as_str()) {
                    let types = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    if let Some(unknown) = types.iter().filter_map(Value::as_str).find(|name| has_keyword_form(name) && *name != "@json") {
                        return dropped(unknown);
                    }
                }
                check_written(value)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Contexts that are compiled in say what they say; one that is written into the document must neither take anything away nor give
/// keywords other names.
fn check_context(context: &Value) -> Result<(), MeaningFault> {
    let forbidden = Err(MeaningFault::ForbiddenContext);
    match context {
        Value::Null => forbidden,
        Value::Array(items) => items.iter().try_for_each(check_context),
        Value::Object(members) => members.iter().try_for_each(|(name, definition)| match (name.as_str(), definition) {
            ("@language" | "@direction", _) => Ok(()),
            (_, Value::Null) => forbidden.clone(),
            (name, _) if CONTEXT_KEYWORDS.contains(&name) => Ok(()),
            (name, _) if has_keyword_form(name) && name != "@type" => forbidden.clone(),
            (_, Value::String(iri)) if has_keyword_form(iri) => forbidden.clone(),
            (_, Value::Object(definition)) => {
                let is_taken_away = ["@id", "@reverse"].iter().any(|name| definition.get(*name).is_some_and(|iri| iri.is_null() || iri.as_str().is_some_and(has_keyword_form)));
                if is_taken_away { forbidden.clone() } else { definition.get("@context").map_or(Ok(()), check_context) }
            }
            _ => Ok(()),
        }),
        _ => Ok(()),
    }
}

/// The same quad for the library that puts them in order, which speaks an older version of the model.
fn older_quad(quad: &Quad) -> oxrdf_02::Quad {
    let node = |node: &oxrdf::NamedNode| oxrdf_02::NamedNode::new_unchecked(node.as_str());
    let blank = |node: &oxrdf::BlankNode| oxrdf_02::BlankNode::new_unchecked(node.as_str());
    let subject: oxrdf_02::Subject = match &quad.subject {
        NamedOrBlankNode::NamedNode(named) => node(named).into(),
        NamedOrBlankNode::BlankNode(unnamed) => blank(unnamed).into(),
    };
    let object: oxrdf_02::Term = match &quad.object {
        Term::NamedNode(named) => node(named).into(),
        Term::BlankNode(unnamed) => blank(unnamed).into(),
        Term::Literal(literal) => match literal.language() {
            Some(language) => oxrdf_02::Literal::new_language_tagged_literal_unchecked(literal.value(), language).into(),
            None => oxrdf_02::Literal::new_typed_literal(literal.value(), oxrdf_02::NamedNode::new_unchecked(literal.datatype().as_str())).into(),
        },
    };
    let graph: oxrdf_02::GraphName = match &quad.graph_name {
        GraphName::NamedNode(named) => node(named).into(),
        GraphName::BlankNode(unnamed) => blank(unnamed).into(),
        GraphName::DefaultGraph => oxrdf_02::GraphName::DefaultGraph,
    };
    oxrdf_02::Quad { subject, predicate: node(&quad.predicate), object, graph_name: graph }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::sample;
    use super::*;

    /// Documents whose nodes can only be told apart by counting every mention of a related one (`tests/vectors/rdfc-ties`).
    #[test]
    fn ties_are_broken_as_the_reference_does() {
        for (input, expected) in [
            (include_str!("../../tests/vectors/rdfc-ties/vp-in.nq"), include_str!("../../tests/vectors/rdfc-ties/vp-rdfc10.nq")),
            (include_str!("../../tests/vectors/rdfc-ties/clr3-in.nq"), include_str!("../../tests/vectors/rdfc-ties/clr3-rdfc10.nq")),
            (include_str!("../../tests/vectors/rdfc-ties/complete-in.nq"), include_str!("../../tests/vectors/rdfc-ties/complete-rdfc10.nq")),
        ] {
            let dataset = oxttl::NQuadsParser::new().for_slice(input.as_bytes()).collect::<Result<oxrdf_02::Dataset, _>>().unwrap();
            assert_eq!(canonical(&dataset).unwrap(), expected);
        }
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        type Case = (fn(&mut Value), MeaningFault);
        let cases: Vec<Case> = vec![
            (|d| d["surprise"] = json!("x"), MeaningFault::UndefinedTerm),
            (|d| d["credentialSubject"]["surprise"] = json!({ "name": "x" }), MeaningFault::UndefinedTerm),
            (|d| d["type"].as_array_mut().unwrap().push(json!("SurpriseCredential")), MeaningFault::UndefinedTerm),
            (|d| d["id"] = json!("relative"), MeaningFault::RelativeIdentifier),
            (|d| d["issuer"]["id"] = json!("../issuer"), MeaningFault::RelativeIdentifier),
            (|d| d["@context"].as_array_mut().unwrap().push(json!({ "@vocab": null })), MeaningFault::ForbiddenContext),
            (|d| d["credentialSubject"]["@context"] = json!(null), MeaningFault::ForbiddenContext),
        ];
        for (change, fault) in cases {
            let mut document = sample().compose();
            change(&mut document);
            assert_eq!(canonical_quads(&document), Err(fault), "{document}");
        }
    }

    /// Names that a strict reading drops: content that could be added under a signature.
    #[test]
    fn what_every_strict_reading_drops_is_refused() {
        let malformed: Vec<fn(&mut Value)> = vec![
            |d| d["credentialSubject"]["achievement"] = json!([d["credentialSubject"]["achievement"], { "id": "https://t.example/a 2", "type": ["Achievement"], "name": "x" }]),
            |d| d["credentialSubject"]["id"] = json!("https://[x/"),
            |d| d["credentialSubject"]["id"] = json!("https://t.example/%zz"),
            |d| d["credentialSubject"]["id"] = json!("https://a/<b>"),
            |d| d["credentialSubject"]["id"] = json!("_:a b"),
            |d| d["type"].as_array_mut().unwrap().push(json!("https ://evil#Doctor")),
            |d| d["credentialSubject"]["https://evil.example/<p>"] = json!("x"),
            |d| d["name"] = json!({ "@value": "x", "@language": "not a tag" }),
            |d| d["name"] = json!({ "@value": "x", "@type": "https://evil.example/a b" }),
            |d| {
                d["@context"].as_array_mut().unwrap().push(json!({ "evil": "_:b" }));
                d["evil"] = json!("x");
            },
            |d| d["@included"] = json!([{ "id": "https ://x", "name": "q" }]),
            |d| d["credentialSubject"]["@reverse"] = json!({ "https ://bad": { "id": "did:e:x" } }),
        ];
        for change in malformed {
            let mut document = sample().compose();
            change(&mut document);
            // Some are no linked data even for a lenient reading; none says what it said before.
            let found = canonical_quads(&document);
            assert!(matches!(found, Err(MeaningFault::MalformedName(_) | MeaningFault::NotLinkedData(_))), "{found:?}: {document}");
        }
        let dropped: Vec<fn(&mut Value)> = vec![
            |d| d["credentialSubject"]["_:p"] = json!("x"),
            |d| d["credentialSubject"]["@foo"] = json!("x"),
            |d| d["type"].as_array_mut().unwrap().push(json!("@foo")),
            |d| d["name"] = json!({ "@value": null }),
        ];
        for change in dropped {
            let mut document = sample().compose();
            change(&mut document);
            assert!(matches!(canonical_quads(&document), Err(MeaningFault::DroppedMember(_))), "{document}");
        }
        for context in [json!({ "evil": null }), json!({ "evil": { "@id": null } }), json!({ "evil": "@foo" }), json!({ "kind": "@type" }), json!({ "@foo": "https://e.example/x" }), json!({ "evil": { "@id": "https://e.example/x", "@context": { "@vocab": null } } })] {
            let mut document = sample().compose();
            document["@context"].as_array_mut().unwrap().push(context);
            assert_eq!(canonical_quads(&document), Err(MeaningFault::ForbiddenContext), "{document}");
        }
    }

    #[test]
    fn a_context_of_its_own_may_define_what_it_uses() {
        let mut document = sample().compose();
        document["@context"].as_array_mut().unwrap().push(json!({ "shift": { "@id": "https://e.example/shift", "@type": "https://e.example/Shift" }, "works": { "@id": "https://e.example/works", "@type": "@id", "@container": "@set" } }));
        document["credentialSubject"]["shift"] = json!("night");
        document["credentialSubject"]["works"] = json!(["https://e.example/plant"]);
        let quads = canonical_quads(&document).unwrap();
        assert!(quads.contains("<https://e.example/shift> \"night\"^^<https://e.example/Shift>") && quads.contains("<https://e.example/works> <https://e.example/plant>"), "{quads}");
    }

    #[test]
    fn contexts_are_never_fetched_and_protected_terms_stay() {
        for context in [json!("https://example.org/context"), json!("http://localhost:1/context"), json!({ "VerifiableCredential": "https://example.org/other" }), json!(17)] {
            let mut document = sample().compose();
            document["@context"].as_array_mut().unwrap().push(context);
            assert!(matches!(canonical_quads(&document), Err(MeaningFault::NotLinkedData(_))), "{document}");
        }
    }

    #[test]
    fn a_text_with_a_direction_says_so() {
        let mut document = sample().compose();
        document["name"] = json!({ "@value": "x", "@language": "AR", "@direction": "rtl" });
        assert!(canonical_quads(&document).unwrap().contains("\"x\"^^<https://www.w3.org/ns/i18n#ar_rtl>"));
    }
}
