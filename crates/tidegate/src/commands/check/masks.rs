//! Masks of classes that no field has: they hide nothing, and are misspelt, most likely.

use tidegate_model::{
    mask::{EVERY_CLASS, MaskRules},
    nearest,
};
use tidegate_service::StoreError;

use super::control_plane::Part;
use crate::control::Control;

const NAME: &str = "masks";

/// Looks at the masks of the site and of every role.
pub(super) async fn find(control: &Control) -> Part {
    match control.service.store().policy().await {
        Err(error) => Part::new(NAME, Err::<String, StoreError>(error)),
        Ok(policy) => {
            let classes = control.service.pii_classes();
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            let of_roles = policy.roles.values();
            let of_roles = of_roles.map(|role| (format!("role {}", role.slug), &role.masks));
            let all = std::iter::once(("settings".to_owned(), &policy.masks)).chain(of_roles);
            let warnings: Vec<String> =
                all.flat_map(|(whose, masks)| unknown(&whose, masks, &classes)).collect();
            let said = "each of a class that some field has".to_owned();
            let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
            Part { name: NAME.to_owned(), said, fault: None, warning }
        }
    }
}

fn unknown(whose: &str, masks: &MaskRules, classes: &[&str]) -> Vec<String> {
    let classes_of = masks.0.iter().map(|rule| rule.class.as_str());
    let others = classes_of.filter(|class| *class != EVERY_CLASS && !classes.contains(class));
    let say =
        |class| format!("{whose}: {}", nearest::unknown("class of any field", class, classes));
    others.map(say).collect()
}
