//! Versions: which one is in force on a day, and which one prices a placement.

use chrono::NaiveDate;

use super::Terms;

/// A published version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number among the versions of its agency, from 1.
    pub number: i64,
    /// The act that published it.
    pub seq: i64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The ordinary version it stands in for, through all corrections; its own number when it corrects none.
    pub stands_for: i64,
    /// What it says.
    pub terms: Terms,
}

/// What governs factor, minimum and maximum of a month.
#[derive(Clone, Copy, Debug)]
pub struct Governing<'a> {
    /// The version whose terms they follow.
    pub version: &'a Version,
    /// Whether a contract was in force on the month's last day.
    pub in_force: bool,
}

/// Which versions are taken to be known.
type Known<'k> = &'k dyn Fn(&Version) -> bool;

/// All versions of one lender, in the order they were published.
#[derive(Clone, Debug, Default)]
pub struct Versions(pub Vec<Version>);

impl Versions {
    /// The versions known when the book stood at `seq`.
    pub fn known_at(&self, seq: i64) -> Versions {
        Versions(self.0.iter().filter(|version| version.seq <= seq).cloned().collect())
    }

    /// The same as months saw them that were closed by statement ([`crate::settlement::Settles`]): there a correction
    /// also stood against versions that had taken over from the one it corrects.
    pub fn as_they_stood(mut self) -> Versions {
        self.0.iter_mut().for_each(|version| version.stands_for = version.number);
        self
    }

    /// The version of an agency in force on a day: the last published one whose days include it, unless a later
    /// version of the same contract has taken over (a correction stands in for the version it corrects only).
    pub fn in_force(&self, agency: &str, day: NaiveDate) -> Option<&Version> {
        self.in_force_of(agency, day, &|_| true)
    }

    /// The same as if only some versions were known.
    fn in_force_of(&self, agency: &str, day: NaiveDate, known: Known<'_>) -> Option<&Version> {
        self.0
            .iter()
            .filter(|version| version.terms.agency == agency && known(version))
            .filter(|version| self.stands(version, day, known))
            .max_by_key(|version| version.number)
    }

    fn stands(&self, version: &Version, day: NaiveDate, known: Known<'_>) -> bool {
        let covers = version.terms.effective_from <= day
            && version.terms.effective_to.is_none_or(|last| day <= last);
        let taken_over = self.0.iter().any(|later| {
            later.terms.code == version.terms.code
                && later.number > version.stands_for
                && later.terms.corrects.is_none()
                && later.terms.effective_from <= day
                && known(later)
        });
        covers && !taken_over
    }

    /// Whether any version of an agency is in force on some day of a span.
    pub fn in_force_within(&self, agency: &str, first: NaiveDate, last: NaiveDate) -> bool {
        first
            .iter_days()
            .take_while(|day| *day <= last)
            .any(|day| self.in_force(agency, day).is_some())
    }

    /// The version whose terms a statement of a month follows: in force on its last day, else the last one that was.
    pub fn of_statement(&self, agency: &str, last_day: NaiveDate) -> Option<&Version> {
        self.of_statement_of(agency, last_day, &|_| true)
    }

    fn of_statement_of(
        &self,
        agency: &str,
        last_day: NaiveDate,
        known: Known<'_>,
    ) -> Option<&Version> {
        self.in_force_of(agency, last_day, known).or_else(|| {
            let mut days: Vec<NaiveDate> =
                self.boundaries(agency).into_iter().filter(|day| *day < last_day).collect();
            days.sort();
            days.into_iter().rev().find_map(|day| self.in_force_of(agency, day, known))
        })
    }

    /// What governs factor, minimum and maximum of a month whose closing knew the book up to a number: the version that
    /// governed its statement, then any correction since from an `effective_from` up to the month's last day. An
    /// ordinary version published later never governs a closed month (rule 6.16).
    pub fn of_month(
        &self,
        agency: &str,
        last_day: NaiveDate,
        known_seq: i64,
    ) -> Option<Governing<'_>> {
        let known = |version: &Version| {
            let ordinary = self.get(agency, version.stands_for);
            ordinary.is_some_and(|ordinary| ordinary.seq <= known_seq)
        };
        let governed = self.of_statement_of(agency, last_day, &known)?;
        let version = self.pricing(agency, governed.stands_for, last_day)?;
        let in_force = self.in_force_of(agency, last_day, &known).is_some();
        Some(Governing { version, in_force })
    }

    /// The days on which something changes: the last day before a version begins, and the last day of each.
    fn boundaries(&self, agency: &str) -> Vec<NaiveDate> {
        let of_agency = self.0.iter().filter(|version| version.terms.agency == agency);
        of_agency
            .flat_map(|version| {
                [version.terms.effective_from.pred_opt(), version.terms.effective_to]
            })
            .flatten()
            .collect()
    }

    /// A version of an agency by its number.
    pub fn get(&self, agency: &str, number: i64) -> Option<&Version> {
        self.0.iter().find(|version| version.terms.agency == agency && version.number == number)
    }

    /// The version that corrects another, the last one where there are several.
    pub fn correction_of(&self, agency: &str, number: i64) -> Option<&Version> {
        let corrects = |version: &&Version| {
            version.terms.agency == agency && version.terms.corrects == Some(number)
        };
        self.0.iter().rev().find(corrects)
    }

    /// The version that prices a placement made under `number`: corrections published since apply in turn to the
    /// placements, from their `effective_from` on, that the version they correct has priced.
    pub fn pricing(&self, agency: &str, number: i64, placed_on: NaiveDate) -> Option<&Version> {
        let mut priced_by = vec![number];
        for version in self.0.iter().filter(|version| version.terms.agency == agency) {
            let corrects =
                version.terms.corrects.is_some_and(|corrected| priced_by.contains(&corrected));
            if corrects && placed_on >= version.terms.effective_from {
                priced_by.push(version.number);
            }
        }
        priced_by.last().and_then(|number| self.get(agency, *number))
    }

    /// Another contract of the same agency in force while `candidate` would be, and the first such day. A later
    /// version of the same code takes over, and a correction stands in for what it corrects: those are no overlap.
    pub fn overlap(&self, candidate: &Terms) -> Option<(&Version, NaiveDate)> {
        let corrected = candidate.corrects.and_then(|number| self.get(&candidate.agency, number));
        let related = |code: &str| {
            code == candidate.code || corrected.is_some_and(|version| version.terms.code == code)
        };
        let others: Vec<&Version> = self
            .0
            .iter()
            .filter(|version| {
                version.terms.agency == candidate.agency && !related(&version.terms.code)
            })
            .collect();
        let mut days: Vec<NaiveDate> =
            self.boundaries(&candidate.agency).iter().filter_map(NaiveDate::succ_opt).collect();
        days.push(candidate.effective_from);
        days.sort();
        days.into_iter()
            .filter(|day| {
                *day >= candidate.effective_from
                    && candidate.effective_to.is_none_or(|last| *day <= last)
            })
            .find_map(|day| {
                others
                    .iter()
                    .copied()
                    .find(|other| self.stands(other, day, &|_| true))
                    .map(|other| (other, day))
            })
    }
}
