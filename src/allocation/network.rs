//! The network of recipients on which a programme is solved: what may still move from one to another, and at what loss.
//!
//! Strata are many and recipients few, so strata are not nodes. Every stratum starts at the recipient that is worth most to
//! it after the recipients' prices, and what is wrong then is only that recipients hold more or less than their limits allow.
//! An arc from recipient a to recipient b stands for the stratum at a that loses least by going to b; a heap for each pair
//! knows it. Accounts move from who holds too many to who holds too few along the cheapest paths, and the lengths of
//! these paths correct the prices (successive shortest paths with potentials). Prices hold after every step: no
//! stratum is anywhere but where it is worth most to it. Hence any first prices will do, and good ones save the work.
//!
//! Two nodes are no recipients: nobody, who holds what is left unplaced, and the rest, which holds nothing; arcs to and
//! from it stand for the room that a recipient's limits leave.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A limit that no number of accounts reaches.
pub(super) const UNLIMITED: i128 = i128::MAX / 4;

/// In the table of losses: nothing can move.
const NONE: i64 = i64::MAX;

/// A place where a stratum's accounts may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The stratum.
    pub stratum: usize,
    /// The node.
    pub node: usize,
    /// What an account is worth there, small enough that two of them can be subtracted.
    pub value: i64,
}

/// All places of all strata, stratum by stratum.
pub(super) struct Links {
    links: Vec<Link>,
    starts: Vec<usize>,
}

impl Links {
    /// From links in order of stratum, all below `strata`.
    pub fn new(links: Vec<Link>, strata: usize) -> Links {
        let mut starts = vec![0; strata + 1];
        for link in &links {
            starts[link.stratum + 1] += 1;
        }
        for stratum in 0..strata {
            starts[stratum + 1] += starts[stratum];
        }
        Links { links, starts }
    }

    /// The links of one stratum, as a range of all.
    fn of(&self, stratum: usize) -> std::ops::Range<usize> {
        self.starts[stratum]..self.starts[stratum + 1]
    }
}

/// What would be lost if an account went from one link of its stratum to another.
type Shift = Reverse<(i64, u32, u32)>;

/// The network: who holds what, what may move, and the prices that say nobody should.
pub(super) struct Network<'a> {
    links: &'a Links,
    nodes: usize,
    /// How many accounts are on each link.
    pub assigned: Vec<i64>,
    /// What is taken off the value of every account at the node.
    prices: Vec<i128>,
    least: Vec<i128>,
    most: Vec<i128>,
    /// How many accounts of those at a node count against its limits: all, once nothing is over.
    taken: Vec<i128>,
    /// How many accounts a node holds beyond those.
    over: Vec<i128>,
    shifts: Vec<BinaryHeap<Shift>>,
    losses: Vec<i64>,
}

/// The cheapest paths from where accounts must leave.
struct Paths {
    /// How far each node is; `None` where no path leads.
    length: Vec<Option<i128>>,
    before: Vec<usize>,
}

impl<'a> Network<'a> {
    /// Puts every stratum where it is worth most after the prices; the earlier link among equals. The limits are
    /// those of the recipients and then nobody's.
    pub fn new(
        links: &'a Links,
        accounts: &[i64],
        least: Vec<i128>,
        most: Vec<i128>,
        mut prices: Vec<i128>,
    ) -> Network<'a> {
        let nodes = least.len() + 1;
        prices.resize(nodes, 0);
        // A limit that is never reached has no price.
        for (price, _) in prices.iter_mut().zip(&most).filter(|(_, most)| **most == UNLIMITED) {
            *price = (*price).min(0);
        }
        let mut network = Network {
            links,
            nodes,
            assigned: vec![0; links.links.len()],
            prices,
            least,
            most,
            taken: vec![0; nodes],
            over: vec![0; nodes],
            shifts: (0..nodes * nodes).map(|_| BinaryHeap::new()).collect(),
            losses: vec![NONE; nodes * nodes],
        };
        network.begin(accounts);
        network
    }

    fn begin(&mut self, accounts: &[i64]) {
        let mut shifts: Vec<Vec<Shift>> = vec![Vec::new(); self.nodes * self.nodes];
        for (stratum, count) in accounts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let worth = |link: usize| {
                i128::from(self.links.links[link].value) - self.prices[self.links.links[link].node]
            };
            let Some(best) =
                self.links.of(stratum).max_by_key(|link| (worth(*link), Reverse(*link)))
            else {
                continue;
            };
            self.assigned[best] = *count;
            let from = self.links.links[best];
            self.over[from.node] += i128::from(*count);
            for link in self.links.of(stratum) {
                let to = self.links.links[link];
                if to.node != from.node {
                    shifts[from.node * self.nodes + to.node].push(shift(
                        from.value - to.value,
                        best,
                        link,
                    ));
                }
            }
        }
        self.shifts = shifts.into_iter().map(BinaryHeap::from).collect();
        for (loss, heap) in self.losses.iter_mut().zip(&self.shifts) {
            *loss = heap.peek().map_or(NONE, |Reverse((loss, _, _))| *loss);
        }
        let rest = self.nodes - 1;
        for node in 0..rest {
            self.taken[node] = match self.prices[node] {
                0 => self.over[node].max(self.least[node]).min(self.most[node]),
                1.. => self.most[node],
                _ => self.least[node],
            };
            self.over[node] -= self.taken[node];
            self.over[rest] -= self.over[node];
            self.open(node);
        }
    }

    /// Whether the limits let a node take more, or less.
    fn open(&mut self, node: usize) {
        let rest = self.nodes - 1;
        self.losses[node * self.nodes + rest] =
            if self.taken[node] < self.most[node] { 0 } else { NONE };
        self.losses[rest * self.nodes + node] =
            if self.taken[node] > self.least[node] { 0 } else { NONE };
    }

    /// Moves accounts until no node holds too many; false when some cannot leave.
    pub fn settle(&mut self) -> bool {
        self.clear(false)
    }

    /// Places what nobody holds as long as no value is lost by it. The network must be settled.
    pub fn place_more(&mut self) {
        let (nobody, rest) = (self.nodes - 2, self.nodes - 1);
        let unlimited = std::mem::replace(&mut self.most[nobody], 0);
        self.over[nobody] = std::mem::replace(&mut self.taken[nobody], 0);
        self.over[rest] = -self.over[nobody];
        self.open(nobody);
        self.clear(true);
        self.most[nobody] = unlimited;
        self.taken[nobody] = std::mem::replace(&mut self.over[nobody], 0);
        self.over[rest] = 0;
        self.open(nobody);
    }

    /// The lowest prices that hold: each says what its recipient's limit one account higher would change. The network
    /// must be settled.
    pub fn marginal(&mut self) {
        let rest = self.nodes - 1;
        let paths = self.paths(|node| node == rest);
        self.reprice(&paths);
    }

    /// The prices against the rest's: nought where no limit binds.
    pub fn prices(&self) -> Vec<i128> {
        self.prices[..self.nodes - 1]
            .iter()
            .map(|price| price - self.prices[self.nodes - 1])
            .collect()
    }

    /// When the network cannot be settled: recipients that hold more than their limits allow and cannot pass it on
    /// (true), or recipients that hold less and cannot get more (false).
    pub fn stuck(&self) -> (bool, Vec<usize>) {
        let (nobody, rest) = (self.nodes - 2, self.nodes - 1);
        let recipients = |reached: &[bool]| (0..nobody).filter(|node| reached[*node]).collect();
        for node in (0..nobody).filter(|node| self.over[*node] > 0) {
            let reached = self.reached(node, |from, to| self.losses[from * self.nodes + to]);
            if !reached[rest] {
                return (true, recipients(&reached));
            }
        }
        let short = (0..nobody).find(|node| self.over[*node] < 0).unwrap_or(rest);
        (false, recipients(&self.reached(short, |from, to| self.losses[to * self.nodes + from])))
    }

    /// The nodes to which arcs lead from one.
    fn reached(&self, start: usize, loss: impl Fn(usize, usize) -> i64) -> Vec<bool> {
        let mut reached = vec![false; self.nodes];
        reached[start] = true;
        let mut waiting = vec![start];
        while let Some(from) = waiting.pop() {
            for (to, reached) in reached
                .iter_mut()
                .enumerate()
                .filter(|(to, reached)| !**reached && loss(from, *to) != NONE)
            {
                *reached = true;
                waiting.push(to);
            }
        }
        reached
    }

    /// Moves accounts from who is over to who is short; false when some cannot leave. With `free`, only where
    /// nothing is lost, and the prices stay.
    fn clear(&mut self, free: bool) -> bool {
        while self.over.iter().any(|over| *over > 0) {
            let paths = self.paths(|node| self.over[node] > 0);
            let wanting = |node: &usize| {
                self.over[*node] < 0
                    && paths.length[*node].is_some_and(|length| !free || length == 0)
            };
            let mut ends: Vec<usize> = (0..self.nodes).filter(wanting).collect();
            if ends.is_empty() {
                return false;
            }
            if !free {
                self.reprice(&paths);
            }
            ends.sort_by_key(|end| paths.length[*end]);
            for end in ends {
                while self.carry(&paths.before, end) {}
            }
        }
        true
    }

    /// The cheapest paths from the nodes given to all others, by losses after prices, none of which is negative.
    fn paths(&self, from: impl Fn(usize) -> bool) -> Paths {
        const FAR: i128 = i128::MAX;
        let mut length: Vec<i128> =
            (0..self.nodes).map(|node| if from(node) { 0 } else { FAR }).collect();
        let mut before: Vec<usize> = (0..self.nodes).collect();
        let mut waiting: Vec<usize> = (0..self.nodes).collect();
        while let Some((place, node)) =
            waiting.iter().copied().enumerate().min_by_key(|(_, node)| (length[*node], *node))
        {
            if length[node] == FAR {
                break;
            }
            waiting.swap_remove(place);
            let base = length[node] - self.prices[node];
            let losses = &self.losses[node * self.nodes..(node + 1) * self.nodes];
            for other in &waiting {
                if losses[*other] != NONE {
                    let through = base + i128::from(losses[*other]) + self.prices[*other];
                    if through < length[*other] {
                        length[*other] = through;
                        before[*other] = node;
                    }
                }
            }
        }
        Paths {
            length: length
                .into_iter()
                .map(|length| Some(length).filter(|length| *length < FAR))
                .collect(),
            before,
        }
    }

    /// Lowers prices by the paths' lengths: arcs on the paths then lose nothing.
    fn reprice(&mut self, paths: &Paths) {
        let farthest = paths.length.iter().flatten().copied().max().unwrap_or(0);
        for (price, length) in self.prices.iter_mut().zip(&paths.length) {
            *price -= length.unwrap_or(farthest);
        }
    }

    /// Moves as much as one step can along the path to `end`; false when the path is used up.
    fn carry(&mut self, before: &[usize], end: usize) -> bool {
        let rest = self.nodes - 1;
        let mut amount = -self.over[end];
        let mut to = end;
        while before[to] != to {
            let from = before[to];
            let loss = self.losses[from * self.nodes + to];
            if loss == NONE || i128::from(loss) - self.prices[from] + self.prices[to] != 0 {
                return false;
            }
            amount = amount.min(match self.shifts[from * self.nodes + to].peek() {
                Some(Reverse((_, link, _))) => i128::from(self.assigned[*link as usize]),
                None if to == rest => self.most[from] - self.taken[from],
                None => self.taken[to] - self.least[to],
            });
            to = from;
        }
        amount = amount.min(self.over[to]);
        if amount <= 0 {
            return false;
        }
        self.over[to] -= amount;
        self.over[end] += amount;
        let mut to = end;
        while before[to] != to {
            self.step(before[to], to, amount);
            to = before[to];
        }
        true
    }

    /// Moves accounts from one node to another.
    fn step(&mut self, from: usize, to: usize, amount: i128) {
        let rest = self.nodes - 1;
        if to == rest {
            self.taken[from] += amount;
            self.open(from);
        } else if from == rest {
            self.taken[to] -= amount;
            self.open(to);
        } else if let Some(Reverse((_, left, entered))) =
            self.shifts[from * self.nodes + to].peek().copied()
        {
            let (left, entered, amount) =
                (left as usize, entered as usize, i64::try_from(amount).unwrap_or(0));
            self.assigned[left] -= amount;
            if self.assigned[entered] == 0 {
                self.enter(entered);
            }
            self.assigned[entered] += amount;
            if self.assigned[left] == 0 {
                self.leave(left);
            }
        }
    }

    /// A stratum has come to a node: it may go on from there.
    fn enter(&mut self, link: usize) {
        let from = self.links.links[link];
        for other in self.links.of(from.stratum) {
            let to = self.links.links[other];
            if to.node != from.node {
                let pair = from.node * self.nodes + to.node;
                self.shifts[pair].push(shift(from.value - to.value, link, other));
                self.losses[pair] = self.losses[pair].min(from.value - to.value);
            }
        }
    }

    /// A stratum has left a node: what it would have lost from there is forgotten once it is in the way.
    fn leave(&mut self, link: usize) {
        let from = self.links.links[link];
        for other in self.links.of(from.stratum) {
            let pair = from.node * self.nodes + self.links.links[other].node;
            let heap = &mut self.shifts[pair];
            while heap
                .peek()
                .is_some_and(|Reverse((_, link, _))| self.assigned[*link as usize] == 0)
            {
                heap.pop();
            }
            if let Some(loss) = heap.peek().map(|Reverse((loss, _, _))| *loss) {
                self.losses[pair] = loss;
            } else if self.links.links[other].node != from.node {
                self.losses[pair] = NONE;
            }
        }
    }
}

fn shift(loss: i64, from: usize, to: usize) -> Shift {
    Reverse((loss, u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX)))
}
