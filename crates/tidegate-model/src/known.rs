//! The names that rules and budgets may speak of.

/// Slugs that there are. A list that speaks of another one would never count for anybody.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Of subjects.
    pub subjects: &'a [&'a str],
    /// Of roles.
    pub roles: &'a [&'a str],
}

/// Whether a list is another one, in its order, without some of it.
pub fn only_takes_away<T: PartialEq>(list: &[T], was: &[T]) -> bool {
    let mut rest = was.iter();
    list.iter().all(|one| rest.any(|other| other == one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_some_of_another_adds_nothing_and_any_other_list_does() {
        for less in [&[][..], &[1], &[1, 3], &[1, 2, 3]] {
            assert!(only_takes_away(less, &[1, 2, 3]), "{less:?}");
        }
        for other in [&[4][..], &[1, 1], &[3, 1], &[1, 2, 3, 3]] {
            assert!(!only_takes_away(other, &[1, 2, 3]), "{other:?}");
        }
    }
}
