//! Who may do what: one table of roles and permissions.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that somebody may or may not do. The names are also the scopes of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Permission {
    /// See the site as a whole: power, limits, circuits, decisions, orders.
    #[serde(rename = "site.read")]
    SiteRead,
    /// See prices, costs and margins.
    #[serde(rename = "money.read")]
    MoneyRead,
    /// See every machine.
    #[serde(rename = "machines.read")]
    MachinesRead,
    /// See the machines of one's own.
    #[serde(rename = "machines.read.own")]
    OwnMachinesRead,
    /// Stop a circuit or the site.
    #[serde(rename = "stop")]
    Stop,
    /// Lift a stop.
    #[serde(rename = "resume")]
    Resume,
    /// Lock a circuit out, and lift one's own lockout.
    #[serde(rename = "lockout")]
    Lockout,
    /// Lift anybody's lockout.
    #[serde(rename = "lockout.any")]
    LockoutAny,
    /// Give and lift orders of every kind.
    #[serde(rename = "order")]
    Order,
    /// Give and lift the grid's orders: emergencies and dispatch.
    #[serde(rename = "order.grid")]
    GridOrder,
    /// Hold single machines off, and let go of them.
    #[serde(rename = "hold")]
    Hold,
    /// Give and take authority in a hall.
    #[serde(rename = "authority")]
    Authority,
    /// Read, check and write the site file.
    #[serde(rename = "site.file")]
    SiteFile,
    /// See alerts.
    #[serde(rename = "alerts.read")]
    AlertsRead,
    /// Acknowledge and snooze alerts.
    #[serde(rename = "alerts.handle")]
    AlertsHandle,
    /// Send test messages.
    #[serde(rename = "alerts.test")]
    AlertsTest,
    /// See reports of the whole site.
    #[serde(rename = "records.read")]
    RecordsRead,
    /// Ask lake and book in SQL: everything that was recorded.
    #[serde(rename = "sql")]
    Sql,
    /// Copy the book.
    #[serde(rename = "backup")]
    Backup,
    /// Search networks for machines.
    #[serde(rename = "scan")]
    Scan,
    /// Look closely at a machine, let it blink, restart it.
    #[serde(rename = "device")]
    Device,
    /// Say for which pools a machine mines.
    #[serde(rename = "pools")]
    Pools,
    /// See who changed what.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// See people and tokens.
    #[serde(rename = "people.read")]
    PeopleRead,
    /// Add and disable people, and revoke anybody's tokens.
    #[serde(rename = "people.manage")]
    PeopleManage,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::SiteRead,
        Self::MoneyRead,
        Self::MachinesRead,
        Self::OwnMachinesRead,
        Self::Stop,
        Self::Resume,
        Self::Lockout,
        Self::LockoutAny,
        Self::Order,
        Self::GridOrder,
        Self::Hold,
        Self::Authority,
        Self::SiteFile,
        Self::AlertsRead,
        Self::AlertsHandle,
        Self::AlertsTest,
        Self::RecordsRead,
        Self::Sql,
        Self::Backup,
        Self::Scan,
        Self::Device,
        Self::Pools,
        Self::AuditRead,
        Self::PeopleRead,
        Self::PeopleManage,
    ];

    /// Its name, as in scopes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SiteRead => "site.read",
            Self::MoneyRead => "money.read",
            Self::MachinesRead => "machines.read",
            Self::OwnMachinesRead => "machines.read.own",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Lockout => "lockout",
            Self::LockoutAny => "lockout.any",
            Self::Order => "order",
            Self::GridOrder => "order.grid",
            Self::Hold => "hold",
            Self::Authority => "authority",
            Self::SiteFile => "site.file",
            Self::AlertsRead => "alerts.read",
            Self::AlertsHandle => "alerts.handle",
            Self::AlertsTest => "alerts.test",
            Self::RecordsRead => "records.read",
            Self::Sql => "sql",
            Self::Backup => "backup",
            Self::Scan => "scan",
            Self::Device => "device",
            Self::Pools => "pools",
            Self::AuditRead => "audit.read",
            Self::PeopleRead => "people.read",
            Self::PeopleManage => "people.manage",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|permission| permission.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|permission| permission.name()).collect();
            format!("`{text}` is no scope; there are {}", names.join(", "))
        })
    }
}

/// What somebody is at this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Owns the mine: everything.
    Owner,
    /// Runs the mine: everything but people.
    Manager,
    /// Works a shift.
    Operator,
    /// Mends machines.
    Technician,
    /// Has machines here.
    Customer,
    /// Gives orders from the grid, and sees them obeyed.
    GridOperator,
    /// Looks on.
    ReadOnly,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Owner,
        Self::Manager,
        Self::Operator,
        Self::Technician,
        Self::Customer,
        Self::GridOperator,
        Self::ReadOnly,
    ];

    /// As written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Operator => "operator",
            Self::Technician => "technician",
            Self::Customer => "customer",
            Self::GridOperator => "grid-operator",
            Self::ReadOnly => "read-only",
        }
    }

    /// The table.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Owner => &Permission::ALL,
            Self::Manager => &[
                P::SiteRead,
                P::MoneyRead,
                P::MachinesRead,
                P::OwnMachinesRead,
                P::Stop,
                P::Resume,
                P::Lockout,
                P::LockoutAny,
                P::Order,
                P::GridOrder,
                P::Hold,
                P::Authority,
                P::SiteFile,
                P::AlertsRead,
                P::AlertsHandle,
                P::AlertsTest,
                P::RecordsRead,
                P::Sql,
                P::Backup,
                P::Scan,
                P::Device,
                P::Pools,
                P::AuditRead,
                P::PeopleRead,
            ],
            Self::Operator => &[
                P::SiteRead,
                P::MoneyRead,
                P::MachinesRead,
                P::OwnMachinesRead,
                P::Stop,
                P::Resume,
                P::Lockout,
                P::Order,
                P::GridOrder,
                P::Hold,
                P::AlertsRead,
                P::AlertsHandle,
                P::AlertsTest,
                P::RecordsRead,
                P::Scan,
                P::Device,
            ],
            Self::Technician => &[
                P::SiteRead,
                P::MachinesRead,
                P::OwnMachinesRead,
                P::Stop,
                P::Lockout,
                P::AlertsRead,
                P::AlertsHandle,
                P::Scan,
                P::Device,
            ],
            Self::Customer => &[P::OwnMachinesRead],
            Self::GridOperator => &[P::SiteRead, P::GridOrder, P::RecordsRead],
            Self::ReadOnly => &[
                P::SiteRead,
                P::MoneyRead,
                P::MachinesRead,
                P::OwnMachinesRead,
                P::AlertsRead,
                P::RecordsRead,
            ],
        }
    }

    /// Whether this role may do that.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|role| role.name()).collect();
            format!("`{text}` is no role; there are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_their_own_and_are_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
        }
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
    }

    /// What must never slip into the table.
    #[test]
    fn a_customer_sees_their_own_and_changes_nothing() {
        assert_eq!(Role::Customer.permissions(), [Permission::OwnMachinesRead]);
        let changes = [Permission::Stop, Permission::Resume, Permission::Order, Permission::Authority];
        assert!(changes.iter().all(|change| !Role::ReadOnly.may(*change)));
        assert!(
            !Role::GridOperator.may(Permission::Order),
            "the mine's own orders are not the grid's to lift"
        );
        let people = Role::ALL.into_iter().filter(|role| role.may(Permission::PeopleManage));
        assert_eq!(people.collect::<Vec<_>>(), [Role::Owner]);
    }
}
