//! The macros that define rows; `fact.rs` says what they are for.

/// A struct of fields that stands inside rows.
macro_rules! group {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$doc:meta])* $field:ident : $type:ty $([$least:literal ..])? ),* $(,)?
        }
        $( later { $( $(#[$later_doc:meta])* $later:ident : $later_type:ty ),* $(,)? } )?
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$doc])* pub $field: $type, )*
            $($( $(#[$later_doc])* pub $later: $later_type, )*)?
        }

        impl $crate::db::Field for $name {
            const SHAPE: $crate::db::Shape = $crate::db::Shape::Group(&[
                $( $crate::db::Member {
                    name: stringify!($field),
                    shape: <$type as $crate::db::Field>::SHAPE,
                    least: [$( Some($least), )? None][0],
                    later: false,
                }, )*
                $($( $crate::db::Member {
                    name: stringify!($later),
                    shape: <$later_type as $crate::db::Field>::SHAPE,
                    least: None,
                    later: true,
                }, )*)?
            ]);

            fn cells<'a>(&'a self, into: &mut Vec<$crate::db::Cell<'a>>) {
                $( $crate::db::Field::cells(&self.$field, into); )*
                $($( $crate::db::Field::cells(&self.$later, into); )*)?
            }

            fn read<'a>(
                row: &impl diesel::row::NamedRow<'a, $crate::db::Backend>,
                _: &'static str,
                _: Option<i64>,
            ) -> Result<Self, $crate::db::Unfit> {
                Ok($name {
                    $( $field: $crate::db::Field::read(
                        row, stringify!($field), [$( Some($least), )? None][0],
                    )?, )*
                    $($( $later: $crate::db::Field::read(row, stringify!($later), None)?, )*)?
                })
            }
        }
    };
}

/// The answer of a query: a group, the table it comes from, and the columns that name a row.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:literal key ($($key:ident),* $(,)?) { $($fields:tt)* }
        $( later { $($later:tt)* } )?
    ) => {
        $crate::db::group! {
            $(#[$meta])*
            $vis struct $name { $($fields)* }
            $( later { $($later)* } )?
        }

        impl $crate::db::Row for $name {
            const TABLE: &'static str = $table;
            const KEY: &'static [&'static str] = &[$(stringify!($key)),*];
        }

        impl diesel::deserialize::QueryableByName<$crate::db::Backend> for $name {
            fn build<'a>(
                row: &impl diesel::row::NamedRow<'a, $crate::db::Backend>,
            ) -> diesel::deserialize::Result<Self> {
                $crate::db::build(row)
            }
        }
    };
}

/// A row that is written once: a row of a table, and the column that names the act that writes it.
macro_rules! fact {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:literal key ($($key:ident),* $(,)?) by $by:ident { $($fields:tt)* }
        $( later { $($later:tt)* } )?
    ) => {
        $crate::db::row! {
            $(#[$meta])*
            $vis struct $name in $table key ($($key),*) { $($fields)* }
            $( later { $($later)* } )?
        }

        impl $crate::db::Fact for $name {
            const BY: &'static str = stringify!($by);
        }
    };
}

pub(crate) use {fact, group, row};
