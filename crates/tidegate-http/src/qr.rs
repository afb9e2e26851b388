//! QR codes as SVG, drawn here: no address of a secret is sent to anybody for its picture.

use std::fmt::Write;

use qrcode::{Color, QrCode};

/// Light modules around a code (ISO/IEC 18004).
const QUIET: usize = 4;

/// A text as a QR code: dark on light in any scheme, as cameras want it; without style or script.
/// None if the text is too long for one.
pub(crate) fn svg(text: &str, label: &str) -> Option<String> {
    debug_assert!(!label.contains(['<', '>', '"', '&']), "a label is plain text");
    let code = QrCode::new(text.as_bytes()).ok()?;
    let width = code.width();
    let mut dark = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            write!(dark, "M{x} {y}h1v1h-1z").expect("a string takes everything");
        }
    }
    let size = width + 2 * QUIET;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         width=\"240\" height=\"240\" role=\"img\" aria-label=\"{label}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>\
         <path fill=\"#000\" d=\"{dark}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_with_light_around_it_and_holds_nothing_but_paths() {
        let drawn = svg("otpauth://totp/Tidegate:ada", "QR code").unwrap();
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>"));
        assert!(!drawn.contains("style") && !drawn.contains("script"));
        // The corner of the first finder pattern stands behind the quiet zone.
        assert!(drawn.contains("d=\"M4 4h1v1h-1z"), "{drawn}");
        assert_eq!(svg(&"x".repeat(5_000), "QR code"), None);
    }
}
