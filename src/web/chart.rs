//! Drawing in whole numbers: lines of months as SVG, and ranges as thin bars around a middle.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// The size of a chart and the room around its lines.
const WIDTH: i64 = 1080;
const HEIGHT: i64 = 340;
const LEFT: i64 = 52;
const TOP: i64 = 14;
const BOTTOM: i64 = 42;
/// A character of a label is at most so wide.
const CHARACTER: i64 = 10;
/// Labels stand at least so far apart.
const LABEL_HEIGHT: i64 = 15;
/// Lines are told apart by so many styles of the stylesheet.
const STYLES: usize = 8;
/// Steps of the scale, in hundredths of a percent.
const STEPS: [i64; 13] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
/// Most lines of the grid.
const MOST_STEPS: i64 = 6;

/// A line: what it is called, and a share for the end of each month.
pub struct Line {
    /// What it is called.
    pub label: String,
    /// The shares, from the first month on.
    pub shares: Vec<Decimal>,
}

/// A chart ready for its template.
pub struct Chart {
    /// Its width.
    pub width: i64,
    /// Its height.
    pub height: i64,
    /// Where the lines begin.
    pub left: i64,
    /// Where the grid ends.
    pub right: i64,
    /// Where the scale stands at zero.
    pub bottom: i64,
    /// The grid: where each line is, and what it says.
    pub grid: Vec<Tick>,
    /// The months below.
    pub months: Vec<Tick>,
    /// The lines.
    pub lines: Vec<Drawn>,
}

/// A mark of a scale.
pub struct Tick {
    /// Where.
    pub at: i64,
    /// What it says.
    pub label: String,
}

/// A line as it is drawn.
pub struct Drawn {
    /// What it is called.
    pub label: String,
    /// Its points.
    pub points: String,
    /// Its last point.
    pub end: (i64, i64),
    /// Where its label stands, right of all lines: the foot of the text.
    pub label_at: (i64, i64),
    /// Its style, from 0.
    pub style: usize,
}

/// Draws lines from zero at the beginning; nothing when no line has a month.
pub fn chart(lines: Vec<Line>) -> Option<Chart> {
    let lines: Vec<Line> = lines.into_iter().filter(|line| !line.shares.is_empty()).collect();
    let months = lines.iter().map(|line| line.shares.len()).max()?;
    let hundredths = |share: &Decimal| {
        (share * Decimal::from(10_000)).ceil().to_i64().unwrap_or(0).clamp(0, 1_000_000)
    };
    let most = lines.iter().flat_map(|line| line.shares.iter().map(hundredths)).max()?.max(1);
    let step = STEPS.into_iter().find(|step| most <= step * MOST_STEPS).unwrap_or(100_000);
    let steps = (most + step - 1) / step;
    let top = Decimal::new(steps * step, 4);
    let longest = lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
    let room = 20 + CHARACTER * crate::kernel::count(longest.min(30));
    let (right, bottom) = (WIDTH - room, HEIGHT - BOTTOM);
    let across = |month: usize| {
        let month = crate::kernel::count(month);
        LEFT + (right - LEFT) * month / crate::kernel::count(months)
    };
    let up = |share: Decimal| {
        let height = Decimal::from(bottom - TOP) * (share / top).clamp(Decimal::ZERO, Decimal::ONE);
        bottom - height.round().to_i64().unwrap_or(0)
    };
    let draw = |(number, line): (usize, Line)| {
        let points: Vec<(i64, i64)> = std::iter::once((LEFT, bottom))
            .chain((1..).zip(&line.shares).map(|(month, share)| (across(month), up(*share))))
            .collect();
        let end = points.last().copied().unwrap_or((LEFT, bottom));
        let points: Vec<String> = points.into_iter().map(|(x, y)| format!("{x},{y}")).collect();
        Drawn {
            label: line.label,
            points: points.join(" "),
            end,
            label_at: (right + 10, end.1 + 4),
            style: number % STYLES,
        }
    };
    let mut drawn: Vec<Drawn> = lines.into_iter().enumerate().map(draw).collect();
    part(&mut drawn, bottom);
    let grid =
        (0..=steps).map(|i| Tick { at: up(Decimal::new(i * step, 4)), label: percent(i * step) });
    let every = months.div_ceil(12).max(1);
    let months = (0..=months)
        .step_by(every)
        .map(|month| Tick { at: across(month), label: month.to_string() });
    Some(Chart {
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        right,
        bottom,
        grid: grid.collect(),
        months: months.collect(),
        lines: drawn,
    })
}

/// Hundredths of a percent as a percentage without needless decimals.
fn percent(hundredths: i64) -> String {
    format!("{}%", Decimal::new(hundredths, 2).normalize())
}

/// Moves labels apart that would lie on one another: downwards first, then back up from the foot.
fn part(lines: &mut [Drawn], bottom: i64) {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|i| (lines[*i].label_at.1, *i));
    for pair in 1..order.len() {
        let least = lines[order[pair - 1]].label_at.1 + LABEL_HEIGHT;
        let own = &mut lines[order[pair]].label_at.1;
        *own = (*own).max(least);
    }
    let mut most = bottom + 4;
    for i in order.into_iter().rev() {
        let own = &mut lines[i].label_at.1;
        *own = (*own).min(most);
        most = *own - LABEL_HEIGHT;
    }
}

/// A range around a middle, in parts of 200: the middle is at 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeBar {
    /// Where it begins.
    pub from: i64,
    /// How long it is.
    pub length: i64,
    /// Where its value is.
    pub value: i64,
}

/// The scale that several ranges share: how far the farthest end is from the middle.
pub fn reach(middle: Decimal, ends: impl Iterator<Item = Decimal>) -> Decimal {
    ends.map(|end| (end - middle).abs()).max().unwrap_or_default().max(Decimal::new(1, 2))
}

/// A range on a scale that reaches so far to both sides.
pub fn range_bar(
    middle: Decimal,
    reach: Decimal,
    range: (Decimal, Decimal),
    value: Decimal,
) -> RangeBar {
    let place = |number: Decimal| {
        let offset =
            ((number - middle) / reach).clamp(-Decimal::ONE, Decimal::ONE) * Decimal::from(96);
        100 + offset.round().to_i64().unwrap_or(0)
    };
    let (from, to) = (place(range.0), place(range.1));
    RangeBar { from, length: (to - from).max(1), value: place(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, shares: &[i64]) -> Line {
        Line {
            label: label.to_string(),
            shares: shares.iter().map(|share| Decimal::new(*share, 4)).collect(),
        }
    }

    #[test]
    fn the_scale_holds_the_highest_point_and_starts_at_nothing() {
        let drawn = chart(vec![line("A", &[100, 250, 610]), line("B", &[50])]).unwrap();
        assert_eq!(
            drawn.grid.first().map(|tick| (tick.at, tick.label.as_str())),
            Some((drawn.bottom, "0%"))
        );
        assert_eq!(drawn.grid.last().map(|tick| tick.label.as_str()), Some("8%"));
        assert_eq!(drawn.months.len(), 4);
        assert!(drawn.lines[0].points.starts_with(&format!("{LEFT},{}", drawn.bottom)));
        assert_eq!(drawn.lines[0].end.0, drawn.right);
        assert!(drawn.lines[1].end.0 < drawn.right, "a young line ends earlier");
        assert!(chart(vec![line("nothing", &[])]).is_none() && chart(Vec::new()).is_none());
        assert!(chart(vec![line("no money", &[0, 0])]).is_some());
    }

    #[test]
    fn labels_do_not_lie_on_one_another() {
        let drawn = chart((0..9).map(|i| line(&i.to_string(), &[300, 300])).collect()).unwrap();
        let mut at: Vec<i64> = drawn.lines.iter().map(|line| line.label_at.1).collect();
        at.sort();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_HEIGHT), "{at:?}");
        assert!(at.last().is_some_and(|last| *last <= drawn.bottom + 4), "{at:?}");
        // A line that ends early has its label beside the others, not on the lines that go on.
        let drawn = chart(vec![line("young", &[300]), line("old", &[300, 300, 300])]).unwrap();
        assert!(
            drawn
                .lines
                .iter()
                .all(|line| line.label_at.0 > drawn.right && line.end.0 <= drawn.right)
        );
    }

    #[test]
    fn ranges_share_a_scale() {
        let one = Decimal::ONE;
        let half = Decimal::new(5, 1);
        let scale = reach(one, [half, Decimal::new(125, 2)].into_iter());
        assert_eq!(scale, half);
        assert_eq!(
            range_bar(one, scale, (half, one), Decimal::new(75, 2)),
            RangeBar { from: 4, length: 96, value: 52 }
        );
        assert_eq!(
            range_bar(one, scale, (Decimal::ZERO, Decimal::TEN), one),
            RangeBar { from: 4, length: 192, value: 100 }
        );
        assert_eq!(reach(one, std::iter::empty()), Decimal::new(1, 2));
    }
}
