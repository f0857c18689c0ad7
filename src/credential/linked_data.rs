//! From a JSON-LD document to what it means: canonical N-Quads (JSON-LD 1.1, RDF Dataset Canonicalization 1.0).
//!
//! A term that no context defines would be dropped without a word, and with it a claim from under the signature. So the document is
//! read a second time with a vocabulary and a base of our own behind everything that is undefined: whatever then names one of the two
//! would have been lost (DI, "Securing Data Losslessly").

use super::contexts;
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::{GraphName, NamedOrBlankNode, Quad, Term};
use rdf_canon::{CanonicalizationOptions, canonicalize_with};
use serde_json::{Map, Value, json};
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
    #[error("an inline context that takes the vocabulary away found")]
    ForbiddenContext,
    #[error("the document takes too long to be put in canonical order")]
    TooComplex,
}

/// The canonical N-Quads of a document.
///
/// # Errors
/// Unknown contexts, terms and identifiers that would be lost, documents made to exhaust the reader.
pub fn canonical_quads(document: &Value) -> Result<String, MeaningFault> {
    let document = prepared(document);
    check_prepared(&document)?;
    let dataset: oxrdf_02::Dataset = quads_of(&document, None)?.iter().map(older_quad).collect();
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

fn check_prepared(document: &Value) -> Result<(), MeaningFault> {
    if takes_vocabulary_away(document) {
        return Err(MeaningFault::ForbiddenContext);
    }
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
    for quad in quads_of(&guarded, Some(RELATIVE))? {
        let names = [subject_iri(&quad.subject), Some(quad.predicate.as_str()), object_iri(&quad.object)];
        for name in names.into_iter().flatten() {
            if name.starts_with(UNDEFINED) {
                return Err(MeaningFault::UndefinedTerm);
            }
            if name.starts_with(RELATIVE) {
                return Err(MeaningFault::RelativeIdentifier);
            }
        }
    }
    Ok(())
}

fn subject_iri(subject: &NamedOrBlankNode) -> Option<&str> {
    match subject {
        NamedOrBlankNode::NamedNode(node) => Some(node.as_str()),
        NamedOrBlankNode::BlankNode(_) => None,
    }
}

fn object_iri(object: &Term) -> Option<&str> {
    match object {
        Term::NamedNode(node) => Some(node.as_str()),
        Term::Literal(literal) => Some(literal.datatype().as_str()),
        Term::BlankNode(_) => None,
    }
}

fn quads_of(document: &Value, base: Option<&str>) -> Result<Vec<Quad>, MeaningFault> {
    let text = document.to_string();
    let fault = |error: String| MeaningFault::NotLinkedData(error);
    let mut parser = JsonLdParser::new();
    if let Some(base) = base {
        parser = parser.with_base_iri(base).map_err(|error| fault(error.to_string()))?;
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

/// Whether a context in the document says that undefined terms are to be dropped.
fn takes_vocabulary_away(value: &Value) -> bool {
    let within = |members: &Map<String, Value>| members.get("@vocab").is_some_and(Value::is_null) || members.values().any(takes_vocabulary_away);
    match value {
        Value::Array(items) => items.iter().any(takes_vocabulary_away),
        Value::Object(members) => within(members) || members.get("@context").is_some_and(Value::is_null),
        _ => false,
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
