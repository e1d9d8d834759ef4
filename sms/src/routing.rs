//! Which operators are asked for a number, and in which order.
//!
//! The route with the longest prefix of the number is taken. Its candidates go by rank; of those with the same rank one is drawn by weight, then
//! the next of what is left. The draw is an argument (bits of the message's own id), so that the same message always goes the same way.

use crate::Submitted;
use serde::{Deserialize, Serialize};

/// One operator on a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Its name.
    pub operator: String,
    /// Lower ranks are asked first.
    #[serde(default)]
    pub rank: u32,
    /// Its share among those of the same rank; 1 where nothing is said, 0 never goes before the others of its rank.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// The operators for numbers that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Digits that a number begins with, country code first; empty for every number.
    pub prefix: String,
    /// Who is asked.
    pub operators: Vec<Candidate>,
}

/// All routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Takes them as they are configured.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// The operators for a number (E.164, with or without its plus sign), in the order in which they are to be asked; none where no route is for it.
    pub fn order(&self, to: &str, draw: u64) -> Vec<&str> {
        let digits = to.strip_prefix('+').unwrap_or(to);
        let fits = self.0.iter().filter(|route| digits.starts_with(&route.prefix));
        let Some(route) = fits.max_by_key(|route| route.prefix.len()) else {
            return Vec::new();
        };
        let mut left: Vec<&Candidate> = route.operators.iter().collect();
        left.sort_by_key(|candidate| candidate.rank);
        let (mut order, mut draw) = (Vec::with_capacity(left.len()), draw);
        while let Some(first) = left.first() {
            let rank = first.rank;
            let same = left.iter().take_while(|candidate| candidate.rank == rank).count();
            draw = mixed(draw);
            order.push(left.remove(drawn(&left[..same], draw)).operator.as_str());
        }
        order
    }
}

/// The place of the one that the draw falls on.
fn drawn(candidates: &[&Candidate], draw: u64) -> usize {
    let total: u64 = candidates
        .iter()
        .map(|candidate| u64::from(candidate.weight))
        .sum();
    if total == 0 {
        return 0;
    }
    let mut at = draw % total;
    for (place, candidate) in candidates.iter().enumerate() {
        match at.checked_sub(u64::from(candidate.weight)) {
            Some(rest) => at = rest,
            None => return place,
        }
    }
    unreachable!("the remainder is below the sum of the weights")
}

/// Another draw out of one (SplitMix64's finaliser).
fn mixed(draw: u64) -> u64 {
    let mut mixed = draw.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Whether the next operator is to be asked: only where this one has refused for reasons of its own. After an unknown outcome the message may have
/// gone; after a refusal that blames the message or its recipient the next would be asked in vain, or against the recipient's will.
pub fn goes_on(submitted: &Submitted) -> bool {
    matches!(submitted, Submitted::Refused { permanent: false, .. })
}

/// Whether a number may be sent to at all: it begins with one of these prefixes, or none is listed.
pub fn is_allowed(to: &str, prefixes: &[String]) -> bool {
    let digits = to.strip_prefix('+').unwrap_or(to);
    prefixes.is_empty() || prefixes.iter().any(|prefix| digits.starts_with(prefix.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(operator: &str, rank: u32, weight: u32) -> Candidate {
        Candidate {
            operator: operator.to_owned(),
            rank,
            weight,
        }
    }

    fn routes() -> Routes {
        let route = |prefix: &str, operators: Vec<Candidate>| Route {
            prefix: prefix.to_owned(),
            operators,
        };
        Routes::new(vec![
            route("98", vec![candidate("first", 0, 1), candidate("second", 1, 1)]),
            route("98912", vec![candidate("mci", 0, 1)]),
            route(
                "380",
                vec![
                    candidate("a", 0, 3),
                    candidate("b", 0, 1),
                    candidate("last", 9, 5),
                ],
            ),
        ])
    }

    #[test]
    fn the_longest_prefix_wins_and_a_number_without_one_has_no_operator() {
        assert_eq!(routes().order("+989351112233", 0), ["first", "second"]);
        assert_eq!(routes().order("+989121112233", 0), ["mci"]);
        assert!(routes().order("+79251112233", 0).is_empty());
        let any = Routes::new(vec![Route {
            prefix: String::new(),
            operators: vec![candidate("any", 0, 1)],
        }]);
        assert_eq!(any.order("+79251112233", 5), ["any"]);
    }

    #[test]
    fn weights_are_shares_within_a_rank_and_never_change_ranks() {
        let mut first = 0;
        for draw in 0..4_000 {
            let routes = routes();
            let order = routes.order("+380501112233", draw);
            assert_eq!(order.len(), 3);
            assert_eq!(order[2], "last");
            first += u32::from(order[0] == "a");
        }
        assert!((2_850..3_150).contains(&first), "three of four: {first}");
    }

    #[test]
    fn a_weight_of_nought_is_asked_when_the_others_were() {
        let spare = Routes::new(vec![Route {
            prefix: String::new(),
            operators: vec![candidate("spare", 0, 0), candidate("main", 0, 1)],
        }]);
        assert!((0..100).all(|draw| spare.order("+1", draw) == ["main", "spare"]));
    }

    #[test]
    fn the_next_is_asked_after_a_refusal_of_the_operators_own_and_never_after_an_unknown() {
        assert!(goes_on(&Submitted::refused(false, "418", "")));
        assert!(!goes_on(&Submitted::refused(true, "411", "")));
        assert!(!goes_on(&Submitted::accepted("1")) && !goes_on(&Submitted::Unknown));
    }

    #[test]
    fn a_list_of_countries_admits_those_and_no_list_admits_all() {
        let list = ["98".to_owned(), "380".to_owned()];
        assert!(is_allowed("+989121112233", &list) && is_allowed("+380501112233", &list));
        assert!(!is_allowed("+79251112233", &list));
        assert!(is_allowed("+79251112233", &[]));
    }

    proptest! {
        #[test]
        fn everybody_on_the_route_is_asked_once(draw in any::<u64>(), weights in prop::collection::vec((0_u32..3, 0_u32..5), 1..6)) {
            let operators = weights.iter().enumerate().map(|(n, (rank, weight))| candidate(&n.to_string(), *rank, *weight)).collect();
            let routes = Routes::new(vec![Route { prefix: String::new(), operators }]);
            let order = routes.order("+1", draw);
            let ranks: Vec<u32> = order.iter().map(|name| weights[name.parse::<usize>().unwrap()].0).collect();
            prop_assert!(ranks.is_sorted());
            let mut names: Vec<&str> = order.clone();
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(names.len(), weights.len());
            prop_assert_eq!(order, routes.order("1", draw));
        }
    }
}
