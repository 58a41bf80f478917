//! The exact solver: against trying everything on small programmes, and by its proofs on larger ones.

use consign::allocation::programme::{
    Cell, Clash, ClashKind, Plan, Programme, bound, most_placed, solve,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Programmes of up to so many strata and recipients; a narrow range of values makes ties.
fn programmes(
    strata: usize,
    recipients: usize,
    most: i64,
    values: i64,
) -> impl Strategy<Value = Programme> {
    (0..=strata, 0..=recipients, any::<bool>(), 0..4_u8).prop_flat_map(move |(strata, recipients, place_all, shape)| {
        let room = most * strata as i64 / recipients.max(1) as i64 + 1;
        let limit = prop_oneof![2 => Just(None), 3 => (0..=room * 2).prop_map(Some), 2 => (room * 9 / 10..=room).prop_map(Some)];
        let lower = match shape {
            0 | 1 => (0..=0_i64).boxed(),
            2 => prop_oneof![2 => Just(0), 1 => 0..=room].boxed(),
            _ => (0..=room * 2 / 3).boxed(),
        };
        let pair = prop::option::weighted(if shape == 1 { 0.4 } else { 0.85 }, 0..=values);
        (
            prop::collection::vec(0..=most, strata),
            prop::collection::vec(pair, strata * recipients),
            prop::collection::vec(lower, recipients),
            prop::collection::vec(limit, recipients),
        )
            .prop_map(move |(accounts, pairs, lower, upper)| {
                let cell = |(index, value): (usize, Option<i64>)| {
                    Some(Cell { stratum: (index / recipients) as u32, recipient: (index % recipients) as u16, value: value? })
                };
                let cells = pairs.into_iter().enumerate().filter_map(cell).collect();
                Programme { accounts, recipients, cells, lower, upper, place_all }
            })
    })
}

/// The best value and then the most accounts placed, by trying everything.
fn tried(programme: &Programme) -> Option<(i128, i64)> {
    fn go(
        programme: &Programme,
        cell: usize,
        left: &mut [i64],
        given: &mut [i64],
        value: i128,
    ) -> Option<(i128, i64)> {
        let Some(next) = programme.cells.get(cell) else {
            let kept = given.iter().zip(&programme.lower).all(|(given, lower)| given >= lower)
                && given
                    .iter()
                    .zip(&programme.upper)
                    .all(|(given, upper)| upper.is_none_or(|upper| *given <= upper))
                && !(programme.place_all && left.iter().any(|left| *left > 0));
            return kept.then(|| (value, given.iter().sum()));
        };
        let (stratum, recipient) = (next.stratum as usize, next.recipient as usize);
        let mut best = None;
        for count in 0..=left[stratum] {
            left[stratum] -= count;
            given[recipient] += count;
            best = best.max(go(
                programme,
                cell + 1,
                left,
                given,
                value + i128::from(next.value) * i128::from(count),
            ));
            left[stratum] += count;
            given[recipient] -= count;
        }
        best
    }
    go(programme, 0, &mut programme.accounts.clone(), &mut vec![0; programme.recipients], 0)
}

fn placed(plan: &Plan) -> i64 {
    plan.assigned.iter().sum()
}

/// Who gets how many.
fn given(programme: &Programme, plan: &Plan) -> Vec<i64> {
    let mut given = vec![0; programme.recipients];
    programme
        .cells
        .iter()
        .zip(&plan.assigned)
        .for_each(|(cell, count)| given[cell.recipient as usize] += count);
    given
}

/// A plan keeps every limit and its prices prove it the best.
fn assert_proved(programme: &Programme, plan: &Plan) -> Result<(), TestCaseError> {
    let mut left = programme.accounts.clone();
    for (cell, count) in programme.cells.iter().zip(&plan.assigned) {
        prop_assert!(*count >= 0);
        left[cell.stratum as usize] -= count;
        let worth = i128::from(cell.value) - plan.recipient_prices[cell.recipient as usize];
        prop_assert!(
            worth <= plan.stratum_prices[cell.stratum as usize],
            "{cell:?} would be better"
        );
        prop_assert!(
            *count == 0 || worth == plan.stratum_prices[cell.stratum as usize],
            "{cell:?} is not the best"
        );
    }
    for (left, price) in left.iter().zip(&plan.stratum_prices) {
        prop_assert!(*left >= 0 && !(programme.place_all && *left > 0));
        prop_assert!(programme.place_all || (*price >= 0 && (*left == 0 || *price == 0)));
    }
    for (recipient, given) in given(programme, plan).into_iter().enumerate() {
        prop_assert!(
            given >= programme.lower[recipient]
                && programme.upper[recipient].is_none_or(|upper| given <= upper)
        );
        let price = plan.recipient_prices[recipient];
        prop_assert!(
            price <= 0 || programme.upper[recipient] == Some(given),
            "a price without a limit"
        );
        prop_assert!(price >= 0 || programme.lower[recipient] == given, "a price without a limit");
    }
    let values = programme.cells.iter().zip(&plan.assigned);
    prop_assert_eq!(
        plan.objective,
        values.map(|(cell, count)| i128::from(cell.value) * i128::from(*count)).sum::<i128>()
    );
    prop_assert_eq!(plan.bound, plan.objective);
    prop_assert_eq!(bound(programme, &plan.recipient_prices), plan.objective);
    Ok(())
}

/// What a clash says is so, by the programme alone; and it leaves no way out.
fn assert_true(programme: &Programme, clash: &Clash) -> Result<(), TestCaseError> {
    let open = |stratum: usize, inside: bool| {
        let mut cells = programme.cells.iter().filter(|cell| cell.stratum as usize == stratum);
        cells.any(|cell| clash.recipients.contains(&(cell.recipient as usize)) == inside)
    };
    let lower: i64 = clash.recipients.iter().map(|recipient| programme.lower[*recipient]).sum();
    let upper: Option<i64> =
        clash.recipients.iter().map(|recipient| programme.upper[*recipient]).sum();
    let accounts: i64 = clash.strata.iter().map(|stratum| programme.accounts[*stratum]).sum();
    prop_assert!(clash.needed > clash.available);
    match clash.kind {
        ClashKind::Crossed => {
            prop_assert_eq!(clash.recipients.len(), 1);
            prop_assert_eq!(
                (clash.needed, Some(clash.available)),
                (lower.into(), upper.map(i128::from))
            );
        }
        ClashKind::Maximums => {
            prop_assert!(
                programme.place_all && clash.strata.iter().all(|stratum| !open(*stratum, false))
            );
            prop_assert_eq!(
                (clash.needed, Some(clash.available)),
                (accounts.into(), upper.map(i128::from))
            );
        }
        ClashKind::Minimums => {
            let missed = |stratum: &usize| {
                programme.accounts[*stratum] > 0 && !clash.strata.contains(stratum)
            };
            let outside = (0..programme.accounts.len()).filter(missed);
            prop_assert!(outside.into_iter().all(|stratum| !open(stratum, true)));
            prop_assert_eq!((clash.needed, clash.available), (lower.into(), accounts.into()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 3000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_plan_is_the_best_of_all(programme in programmes(3, 3, 3, 4)) {
        match (solve(&programme), tried(&programme)) {
            (Ok(plan), Some((value, most))) => {
                assert_proved(&programme, &plan)?;
                prop_assert_eq!((plan.objective, placed(&plan)), (value, most));
                prop_assert_eq!(solve(&programme), Ok(plan));
            }
            (Err(clash), None) => assert_true(&programme, &clash)?,
            (found, tried) => prop_assert!(false, "{found:?} but {tried:?}"),
        }
        let free = Programme { lower: vec![0; programme.recipients], place_all: false, ..programme };
        let worth_one = Programme { cells: free.cells.iter().map(|cell| Cell { value: 1, ..*cell }).collect(), ..free.clone() };
        prop_assert_eq!(Some(i128::from(most_placed(&free))), tried(&worth_one).map(|(value, _)| value));
    }
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn large_plans_are_proved_and_clashes_true(
        programme in prop_oneof![programmes(1200, 9, 40, 1_000_000_000_000_000), programmes(1200, 9, 40, 6)],
    ) {
        match solve(&programme) {
            Ok(plan) => {
                assert_proved(&programme, &plan)?;
                prop_assert_eq!(solve(&programme), Ok(plan.clone()));
                // Accounts placed count as the smallest part of value: value first, then accounts.
                let mut finer = programme.clone();
                finer.cells.iter_mut().for_each(|cell| cell.value = (cell.value % 1_000_000) * 100_000 + 1);
                let mut coarser = programme.clone();
                coarser.cells.iter_mut().for_each(|cell| cell.value %= 1_000_000);
                let (finer, coarser) = (solve(&finer).unwrap(), solve(&coarser).unwrap());
                prop_assert_eq!(finer.objective, coarser.objective * 100_000 + i128::from(placed(&coarser)));
            }
            Err(clash) => assert_true(&programme, &clash)?,
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 600, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_price_is_what_a_limit_one_higher_changes(
        programme in prop_oneof![programmes(12, 5, 20, 1000), programmes(4, 3, 3, 3)],
        recipient in 0..5_usize,
    ) {
        let Ok(plan) = solve(&programme) else { return Ok(()) };
        if recipient >= programme.recipients || programme.upper[recipient] == Some(programme.lower[recipient]) {
            return Ok(());
        }
        let price = plan.recipient_prices[recipient];
        let mut wider = programme.clone();
        wider.upper[recipient] = programme.upper[recipient].map(|upper| upper + 1);
        prop_assert_eq!(solve(&wider).map(|plan| plan.objective), Ok(plan.objective + price.max(0)));
        let mut narrower = programme.clone();
        narrower.lower[recipient] += 1;
        if let Ok(other) = solve(&narrower) {
            prop_assert_eq!(other.objective, plan.objective + price.min(0));
        }
    }

    #[test]
    fn any_prices_bound_every_plan(
        programme in programmes(6, 4, 5, 20),
        prices in prop::collection::vec(-30_i128..30, 4),
    ) {
        if let Ok(plan) = solve(&programme) {
            prop_assert!(bound(&programme, &prices) >= plan.objective);
        }
    }
}
