//! `section!`: one description of a section, from which it is declared, written and read.

use super::{Cursor, Error, Writer};

/// What stands inside one element, in the schema's order.
pub(crate) trait Fields: Sized {
    fn write(&self, out: &mut Writer) -> Result<(), Error>;
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Error>;
}

/// One of several elements that exclude each other.
pub(crate) trait Choice: Sized {
    fn write(&self, out: &mut Writer) -> Result<(), Error>;
    fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Error>;
}

/// Declares a struct and its [`Fields`]. A field is `mode ELEMENT => name: Type as Facet`; the modes are
/// `required` and `optional` (a leaf of that facet), `whole` and `section` (an element with fields, required
/// and optional), `rows` (a table that may be absent), `table` (one that may not), `inline` (fields without
/// an element of their own, absent when none is there) and `choice`.
macro_rules! section {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($(#[$field_doc:meta])* $mode:ident $element:ident => $field:ident : $type:ty as $facet:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$field_doc])* $vis $field: $type,)*
        }

        impl $crate::xml::Fields for $name {
            fn write(&self, out: &mut $crate::xml::Writer) -> Result<(), $crate::xml::Error> {
                $($crate::xml::section!(@write $mode, out, $element, &self.$field, $facet);)*
                Ok(())
            }

            fn read(cursor: &mut $crate::xml::Cursor<'_>) -> Result<Self, $crate::xml::Error> {
                Ok(Self { $($field: $crate::xml::section!(@read $mode, cursor, $element, $facet),)* })
            }
        }

        #[cfg(feature = "generate")]
        impl $crate::generate::Generate<Self> for $name {
            fn generate(source: &mut $crate::generate::Generator) -> Self {
                Self { $($field: $crate::xml::section!(@generate $mode, source, $facet),)* }
            }
        }
    };

    (@write required, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        $out.leaf::<$facet>(stringify!($element), $value)?
    };
    (@write optional, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        if let Some(value) = $value {
            $out.leaf::<$facet>(stringify!($element), value)?;
        }
    };
    (@write whole, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        $out.section::<$facet>(stringify!($element), $value)?
    };
    (@write section, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        if let Some(value) = $value {
            $out.section::<$facet>(stringify!($element), value)?;
        }
    };
    (@write rows, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        $out.rows::<$facet>(stringify!($element), $value)?
    };
    (@write table, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        $out.table::<$facet>(stringify!($element), $value)?
    };
    (@write inline, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        if let Some(value) = $value {
            <$facet as $crate::xml::Fields>::write(value, $out)?;
        }
    };
    (@write choice, $out:ident, $element:ident, $value:expr, $facet:ty) => {
        if let Some(value) = $value {
            <$facet as $crate::xml::Choice>::write(value, $out)?;
        }
    };

    (@read required, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.leaf::<$facet>(stringify!($element))?
    };
    (@read optional, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.optional::<$facet>(stringify!($element))?
    };
    (@read whole, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.section::<$facet>(stringify!($element))?
    };
    (@read section, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.optional_section::<$facet>(stringify!($element))?.map(Into::into)
    };
    (@read rows, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.rows::<$facet>(stringify!($element))?
    };
    (@read table, $cursor:ident, $element:ident, $facet:ty) => {
        $cursor.table::<$facet>(stringify!($element))?
    };
    (@read inline, $cursor:ident, $element:ident, $facet:ty) => {{
        let fields = <$facet as $crate::xml::Fields>::read($cursor)?;
        (fields != <$facet>::default()).then(|| Box::new(fields))
    }};
    (@read choice, $cursor:ident, $element:ident, $facet:ty) => {
        <$facet as $crate::xml::Choice>::read($cursor)?
    };

    (@generate required, $source:ident, $facet:ty) => {
        <$facet as $crate::generate::Generate<_>>::generate($source)
    };
    (@generate whole, $source:ident, $facet:ty) => {
        <$facet as $crate::generate::Generate<_>>::generate($source)
    };
    (@generate optional, $source:ident, $facet:ty) => {
        $source.coin().then(|| <$facet as $crate::generate::Generate<_>>::generate($source))
    };
    (@generate choice, $source:ident, $facet:ty) => {
        $source.coin().then(|| <$facet as $crate::generate::Generate<_>>::generate($source))
    };
    (@generate section, $source:ident, $facet:ty) => {
        $source.coin().then(|| <$facet as $crate::generate::Generate<$facet>>::generate($source).into())
    };
    (@generate rows, $source:ident, $facet:ty) => {
        $source.rows(0, <$facet as $crate::generate::Generate<$facet>>::generate)
    };
    (@generate table, $source:ident, $facet:ty) => {
        $source.rows(1, <$facet as $crate::generate::Generate<$facet>>::generate)
    };
    (@generate inline, $source:ident, $facet:ty) => {{
        let fields = <$facet as $crate::generate::Generate<$facet>>::generate($source);
        ($source.coin() && fields != <$facet>::default()).then(|| Box::new(fields))
    }};
}
pub(crate) use section;
