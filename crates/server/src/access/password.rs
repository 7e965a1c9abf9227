//! Passwords: argon2id, with the parameters that OWASP's cheat sheet on password storage names first (2024): 19 MiB,
//! two rounds, one lane. A check takes some tens of milliseconds, so few run at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};

use crate::problem::Problem;

/// The least and the most characters. NIST SP 800-63B (2017) asks for eight and against rules of composition.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=128;
/// What is checked against where there is no password, so that a wrong name takes as long as a wrong password. It is
/// the hash of nothing that anybody knows.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Whether it may be a password of this person.
pub(crate) fn check(password: &str, name: &str) -> Result<(), Problem> {
    let length = password.chars().count();
    if !LENGTH.contains(&length) {
        let (least, most) = LENGTH.into_inner();
        return Err(Problem::invalid(format!("a password has {least} to {most} characters, not {length}"))
            .hint("four or five words make a good one"));
    }
    if password.to_lowercase().contains(&name.to_lowercase()) {
        return Err(
            Problem::invalid("the password has the name in it").hint("four or five words make a good one")
        );
    }
    Ok(())
}

/// What is kept of a password. Takes some tens of milliseconds.
pub(crate) fn hash(password: &str) -> Result<String, Problem> {
    let failed =
        |_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "fault", "no password can be kept");
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(failed)?.to_string())
}

/// Whether a password is the one that was kept; as long in coming where none was.
pub(crate) fn is_right(password: &str, kept: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or(NOBODY)) else { return false };
    let right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    right && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_only_what_it_was_kept_for() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse battery", Some(&kept)));
        assert!(
            !is_right("correct horse batterz", Some(&kept))
                && !is_right("", Some(""))
                && !is_right("x", None)
        );
        assert!(PasswordHash::new(NOBODY).is_ok(), "a wrong name takes as long as a wrong password");
    }

    #[test]
    fn short_long_and_obvious_ones_are_refused() {
        assert!(check("short", "anna").is_err() && check(&"x".repeat(129), "anna").is_err());
        assert!(check("I am Anna the first", "anna").is_err());
        assert!(check("корень яблоко трамвай", "anna").is_ok());
    }
}
