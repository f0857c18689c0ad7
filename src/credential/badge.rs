//! What Open Badges 3.0 demands of any badge, whoever issued it (OB, "AchievementCredential" and the classes in it, required members).
//!
//! Our own documents are held to more by [`super::conformance`]; what VC Data Model 2.0 demands is [`super::data_model`]'s to find.

use super::data_model::{Faults, items};
use super::presented::has_type;
use serde_json::Value;

/// Whether a document says of itself that it is a badge.
pub fn is_badge(document: &Value) -> bool {
    ["OpenBadgeCredential", "AchievementCredential"].iter().any(|name| has_type(document, name))
}

/// Checks a badge: each demand that is not met, in words.
pub fn check(document: &Value) -> Faults {
    let mut faults = Faults::new();
    for name in ["id", "validFrom"] {
        if !document[name].is_string() {
            faults.push(format!("{name}: a text expected"));
        }
    }
    for subject in items(document.get("credentialSubject")) {
        if !has_type(subject, "AchievementSubject") {
            faults.push("credentialSubject.type: AchievementSubject expected".to_owned());
        }
        if subject.get("id").is_none() && items(subject.get("identifier")).is_empty() {
            faults.push("credentialSubject: an id or an identifier expected".to_owned());
        }
        let achievements = items(subject.get("achievement"));
        if achievements.is_empty() || !achievements.iter().all(is_achievement) {
            faults.push("credentialSubject.achievement: an Achievement with id, name, description and criteria expected".to_owned());
        }
    }
    faults
}

fn is_achievement(achievement: &Value) -> bool {
    let criteria = &achievement["criteria"];
    has_type(achievement, "Achievement") && ["id", "name", "description"].iter().all(|name| achievement[*name].is_string()) && (criteria["id"].is_string() || criteria["narrative"].is_string())
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::sample;
    use super::*;
    use serde_json::json;

    #[test]
    fn each_member_that_is_required_is_missed() {
        let good = sample().compose();
        assert!(is_badge(&good));
        assert_eq!(check(&good), Faults::new());
        for path in ["/id", "/validFrom", "/credentialSubject/type", "/credentialSubject/identifier", "/credentialSubject/achievement", "/credentialSubject/achievement/id", "/credentialSubject/achievement/type", "/credentialSubject/achievement/name", "/credentialSubject/achievement/description", "/credentialSubject/achievement/criteria/narrative"] {
            let mut wrong = good.clone();
            *wrong.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = Value::Null;
            if path.ends_with("identifier") || path.ends_with("achievement") {
                wrong["credentialSubject"].as_object_mut().unwrap().remove(path.rsplit('/').next().unwrap());
            }
            assert_eq!(check(&wrong).len(), 1, "{path}");
        }
        assert!(!is_badge(&json!({ "type": ["VerifiableCredential"] })));
    }
}
