//! Which part of a payment, and of what is taken back from it, earns: the components a rule's `base` names.

use crate::contract::Component;
use crate::kernel::Money;

/// What is taken back from a payment.
#[derive(Clone, Copy, Debug)]
pub struct TakenBack {
    /// How much.
    pub amount: Money,
    /// Its components, when stated.
    pub components: Option<[Money; 4]>,
}

/// The earning part of a payment, then of each of its reversals (as positive amounts), in the order given.
/// A payment that states no components counts whole, and so does what is taken back from it. A reversal that
/// states none takes its payment's in proportion, by largest remainder, never beyond what is left of one;
/// stated components have the first claim, so that the order in which reversals arrive decides nothing.
pub fn earning(
    amount: Money,
    components: Option<[Money; 4]>,
    reversals: &[TakenBack],
    base: Option<&[Component]>,
) -> Vec<Money> {
    let whole = || std::iter::once(amount).chain(reversals.iter().map(|one| one.amount)).collect();
    let (Some(base), Some(components)) = (base, components) else { return whole() };
    let earns = |parts: [Money; 4]| -> Money {
        base.iter().map(|component| parts[index(*component)]).sum()
    };
    let mut left = components;
    for stated in reversals.iter().filter_map(|one| one.components) {
        left.iter_mut().zip(stated).for_each(|(left, part)| *left -= part);
    }
    let mut parts = vec![earns(components)];
    for one in reversals {
        let taken = one.components.unwrap_or_else(|| {
            let taken = in_proportion(one.amount, components, left);
            left.iter_mut().zip(taken).for_each(|(left, part)| *left -= part);
            taken
        });
        parts.push(earns(taken));
    }
    parts
}

fn index(component: Component) -> usize {
    match component {
        Component::Principal => 0,
        Component::Interest => 1,
        Component::Fees => 2,
        Component::Costs => 3,
    }
}

/// Splits an amount in proportion to the components, each part at most what is left of it: what one cannot
/// take goes to the others in the same proportion.
fn in_proportion(amount: Money, components: [Money; 4], left: [Money; 4]) -> [Money; 4] {
    let mut taken = [Money::ZERO; 4];
    let mut open = [true; 4];
    let mut rest = amount;
    while rest > Money::ZERO && open.contains(&true) {
        let weights: Vec<i64> = (0..4).map(|i| if open[i] { components[i].0 } else { 0 }).collect();
        if weights.iter().all(|weight| *weight == 0) {
            break;
        }
        let shares = rest.split(&weights);
        let full = (0..4).find(|i| open[*i] && taken[*i] + shares[*i] > left[*i]);
        match full {
            Some(_) => {
                for i in 0..4 {
                    if open[i] && taken[i] + shares[i] > left[i] {
                        rest -= left[i] - taken[i];
                        taken[i] = left[i];
                        open[i] = false;
                    }
                }
            }
            None => {
                taken.iter_mut().zip(shares).for_each(|(taken, share)| *taken += share);
                rest = Money::ZERO;
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversals_take_components_in_proportion_and_never_beyond_what_is_left() {
        let components = Some([Money(60), Money(40), Money(0), Money(0)]);
        let base = [Component::Principal];
        let none = |amount| TakenBack { amount: Money(amount), components: None };
        let stated = TakenBack {
            amount: Money(50),
            components: Some([Money(50), Money(0), Money(0), Money(0)]),
        };
        assert_eq!(
            earning(Money(100), components, &[none(50)], Some(&base)),
            vec![Money(60), Money(30)]
        );
        assert_eq!(
            earning(Money(100), components, &[none(50), stated], Some(&base)),
            vec![Money(60), Money(10), Money(50)]
        );
        assert_eq!(
            earning(Money(100), None, &[none(50)], Some(&base)),
            vec![Money(100), Money(50)]
        );
        assert_eq!(earning(Money(100), components, &[none(50)], None), vec![Money(100), Money(50)]);
    }
}
