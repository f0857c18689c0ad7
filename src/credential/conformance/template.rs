//! What the documents of one class have in common, composed and checked once; for each holder the blanks are filled in.
//!
//! A class of thousands differs in nine texts of a document of some three thousand bytes. Whatever a document says besides them is the
//! same for all, so that the rules need not look at it again; and of the nine, types keep all but a few in their form.

use super::{Breach, CheckedDocument, check};
use crate::credential::document::{Blank, OwnFacts, SharedFacts};
use chrono::Datelike;
use std::borrow::Cow;

/// Stands before each blank while a document is taken apart: a noncharacter, which no text may contain (Unicode, section 23.7).
const MARK: char = '\u{fdd0}';

/// What documents must have in common to have one template: what they share, and which parts of an assessment have a score.
pub type Layout = (SharedFacts, [bool; 3]);

/// A document with blanks.
#[derive(Debug)]
pub struct Template {
    shared: SharedFacts,
    /// Of JSON, up to the first blank.
    head: String,
    /// The blanks, each with what stands behind it up to the next.
    rest: Vec<(Blank, String)>,
}

impl Template {
    /// The template of one holder's document, for all with the same layout; None where a shared text holds the mark.
    ///
    /// # Errors
    /// All rules that the document breaks.
    pub fn of(shared: &SharedFacts, own: &OwnFacts) -> Result<Option<Self>, Vec<Breach>> {
        let whole = check(&shared.compose(&|blank| own.text(blank)))?;
        let marked = |blank: Blank| {
            let letter = char::from(b'a' + blank as u8);
            own.text(blank).map(|_| Cow::from(format!("{MARK}{letter}")))
        };
        let text = shared.compose(&marked).to_string();
        let mut parts = text.split(MARK);
        let head = parts.next().unwrap_or_default().to_owned();
        let behind = |part: &str| {
            let blank = Blank::ALL.into_iter().find(|blank| part.starts_with(char::from(b'a' + *blank as u8)))?;
            Some((blank, part[1..].to_owned()))
        };
        let rest = parts.map(behind).collect::<Option<Vec<_>>>();
        let template = rest.map(|rest| Template { shared: shared.clone(), head, rest });
        Ok(template.filter(|template| template.write(own) == whole.bytes))
    }

    /// The document of a holder: what `check` makes of the composed one.
    ///
    /// # Errors
    /// All rules that the document breaks.
    pub fn fill(&self, own: &OwnFacts) -> Result<CheckedDocument, Vec<Breach>> {
        // What is not of its usual form goes the long way, which says what is wrong with it.
        if !is_of_usual_form(own) {
            return check(&self.shared.compose(&|blank| own.text(blank)));
        }
        Ok(CheckedDocument { bytes: self.write(own), issuer: self.shared.issuer_did.clone() })
    }

    fn write(&self, own: &OwnFacts) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.head.len() + self.rest.iter().map(|(_, text)| text.len() + 32).sum::<usize>());
        bytes.extend_from_slice(self.head.as_bytes());
        for (blank, text) in &self.rest {
            let own = serde_json::to_string(&own.text(*blank).unwrap_or_default()).expect("a text is plain data");
            // Without the quotation marks, which stand in the template.
            bytes.extend_from_slice(&own.as_bytes()[1..own.len() - 1]);
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// Whether no text of a holder can break a rule in a document that keeps all of them without it.
fn is_of_usual_form(own: &OwnFacts) -> bool {
    let is_named = [&own.holder_name, &own.holder_document_masked, &own.certificate_number].into_iter().all(|text| !text.is_empty());
    is_named && own.uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') && (0..=9999).contains(&own.issued_at.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::document::CredentialFacts;
    use crate::credential::document::tests::{any_facts, any_own, sample};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_filled_template_is_the_composed_document(facts in any_facts(), own in any_own()) {
            let scores = if own.parts_held() == facts.own.parts_held() { own.scores } else { facts.own.scores };
            let other = CredentialFacts { shared: facts.shared.clone(), own: OwnFacts { scores, ..own } };
            let whole = check(&other.compose()).map(|document| (document.bytes, document.issuer));
            match Template::of(&facts.shared, &facts.own) {
                Ok(template) => prop_assert_eq!(template.expect("no text has the mark").fill(&other.own).map(|document| (document.bytes, document.issuer)), whole),
                Err(_) => prop_assert!(check(&facts.compose()).is_err()),
            }
        }
    }

    #[test]
    fn what_breaks_a_rule_breaks_it_with_a_template_too() {
        let template = Template::of(&sample().shared, &sample().own).unwrap().unwrap();
        let cases: [(&str, fn(&mut OwnFacts)); 4] = [
            ("credentialSubject.identifier[0].identityHash", |own| own.holder_name.clear()),
            ("credentialSubject.identifier[1].identityHash", |own| own.holder_document_masked.clear()),
            ("credentialSubject.licenseNumber", |own| own.certificate_number.clear()),
            ("id", |own| own.uuid = "no uuid".to_owned()),
        ];
        for (path, change) in cases {
            let mut own = sample().own;
            change(&mut own);
            let found = template.fill(&own).map(|_| ()).unwrap_err();
            assert_eq!(found.iter().map(|breach| breach.path.as_str()).collect::<Vec<_>>(), [path]);
        }
        let mut facts = sample();
        facts.shared.issuer_did = "no url".to_owned();
        assert_eq!(Template::of(&facts.shared, &facts.own).unwrap_err()[0].path, "issuer.id");
    }

    #[test]
    fn a_text_that_holds_the_mark_has_no_template() {
        let mut facts = sample();
        facts.shared.issuer_name = format!("甲{MARK}a乙");
        assert!(Template::of(&facts.shared, &facts.own).unwrap().is_none());
        // Of the holder it is a text like any other: it is written, never taken apart.
        let mut own = sample().own;
        own.holder_name = format!("甲{MARK}a乙");
        assert!(Template::of(&sample().shared, &sample().own).unwrap().unwrap().fill(&own).is_ok());
    }
}
