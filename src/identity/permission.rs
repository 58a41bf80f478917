//! What each role may see and do: a pure table.

use crate::kernel::enumeration;

enumeration! {
    /// A role of a person in an organisation (rule 10.1).
    pub enum Role ("role") {
        /// Lender: places and recalls.
        PlacementManager = "placement_manager",
        /// Lender: watches over conduct.
        Compliance = "compliance",
        /// Lender: looks.
        Viewer = "viewer",
        /// Finance: prepares.
        FinancePreparer = "finance_preparer",
        /// Finance: approves.
        FinanceApprover = "finance_approver",
        /// Agency: manages.
        AgencyManager = "agency_manager",
        /// Agency: looks.
        AgencyViewer = "agency_viewer",
        /// The installation, without personal data.
        Administrator = "administrator",
    }
}

impl Role {
    /// Whether people of such an organisation can have the role.
    pub fn fits(self, organisation: Organisation) -> bool {
        organisation.roles().contains(&self)
    }
}

/// What a person's organisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Organisation {
    /// A lender.
    Lender,
    /// An agency, of one lender or of several.
    Agency,
    /// A lender's own team.
    Team,
    /// None: the person looks after the installation.
    Installation,
}

impl Organisation {
    /// The roles that people of such an organisation can have (rule 10.1).
    pub fn roles(self) -> &'static [Role] {
        match self {
            Organisation::Lender => &[
                Role::PlacementManager,
                Role::Compliance,
                Role::Viewer,
                Role::FinancePreparer,
                Role::FinanceApprover,
            ],
            Organisation::Agency | Organisation::Team => &[Role::AgencyManager, Role::AgencyViewer],
            Organisation::Installation => &[Role::Administrator],
        }
    }

    /// What it is called, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Organisation::Lender => "a lender",
            Organisation::Agency => "an agency",
            Organisation::Team => "a team",
            Organisation::Installation => "neither a lender nor an assignee",
        }
    }
}

/// What a page shows or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// A lender's accounts, placements and portfolios.
    Accounts,
    /// A lender's recoveries.
    Recoveries,
    /// A lender's months and statements.
    Statements,
    /// A lender's ledger.
    Ledger,
    /// Simulating and committing allocation runs.
    Allocate,
    /// A lender's scorecard of all its assignees.
    Performance,
    /// An agency's own row of the scorecard and its rank.
    OwnPerformance,
    /// Recalling, deciding, retaining, transferring, holding.
    ActOnPlacements,
    /// Complaints, and what agencies' contacts violate.
    Conduct,
    /// Recording and deciding complaints.
    ActOnConduct,
    /// An agency's own placements.
    OwnPlacements,
    /// Acknowledging, objecting, returning, retaining what is an agency's own.
    ActOnOwnPlacements,
    /// An agency's own statements.
    OwnStatements,
    /// Complaints about an agency and what its own contacts violate.
    OwnConduct,
    /// Sending an agency's own contact records.
    SendOwnContacts,
    /// Taking in a lender's portfolio files.
    TakeInPortfolios,
    /// Taking in a lender's files of money.
    TakeInRecoveries,
    /// Closing a lender's months.
    CloseMonths,
}

/// Whether a role has a permission.
pub fn may(role: Role, permission: Permission) -> bool {
    use Permission::{
        Accounts, ActOnConduct, ActOnOwnPlacements, ActOnPlacements, Allocate, CloseMonths,
        Conduct, Ledger, OwnConduct, OwnPerformance, OwnPlacements, OwnStatements, Performance,
        Recoveries, SendOwnContacts, Statements, TakeInPortfolios, TakeInRecoveries,
    };
    let allowed: &[Permission] = match role {
        Role::PlacementManager => &[
            Accounts,
            Recoveries,
            Statements,
            Allocate,
            Performance,
            ActOnPlacements,
            Conduct,
            ActOnConduct,
            TakeInPortfolios,
        ],
        Role::Viewer => &[Accounts, Recoveries, Statements, Performance, Conduct],
        Role::Compliance => {
            &[Accounts, Recoveries, Performance, ActOnPlacements, Conduct, ActOnConduct]
        }
        Role::FinancePreparer | Role::FinanceApprover => {
            &[Recoveries, Statements, Ledger, TakeInRecoveries, CloseMonths]
        }
        Role::AgencyManager => &[
            OwnPlacements,
            OwnStatements,
            OwnPerformance,
            ActOnOwnPlacements,
            OwnConduct,
            SendOwnContacts,
        ],
        Role::AgencyViewer => &[OwnPlacements, OwnStatements, OwnPerformance, OwnConduct],
        Role::Administrator => &[],
    };
    allowed.contains(&permission)
}
