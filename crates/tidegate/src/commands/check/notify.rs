//! Speaks to the mail server, and sees whether the webhooks can be reached; nothing is sent.

use tidegate_service::{MailError, WebhookError};

use super::control_plane::Part;
use crate::{control::Control, failure::Failure};

/// Looks at them.
pub(super) async fn find(control: &Control) -> Result<Vec<Part>, Failure> {
    let mut parts = Vec::new();
    match control.service.prove_mail().await {
        Ok(false) => {}
        Ok(true) => {
            let said = "greeted, signed in, and nothing sent".to_owned();
            parts.push(Part::new("mail", Ok::<_, MailError>(said)));
        }
        Err(error) => parts.push(Part::new("mail", Err(error))),
    }
    for (host, proven) in control.service.prove_webhooks().await? {
        let name = format!("webhook {host}");
        if let Err(off @ WebhookError::Off(_)) = proven {
            let warning = Some(off.to_string());
            parts.push(Part { name, said: String::new(), fault: None, warning });
            continue;
        }
        let said = proven.map(|()| "can be reached, and nothing was sent".to_owned());
        parts.push(Part::new(name, said));
    }
    Ok(parts)
}
