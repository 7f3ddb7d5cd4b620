//! The part of libclang that we use, as safe Rust. The library is loaded when the first worker starts.

#![expect(
    unsafe_code,
    reason = "libclang is a C library: this module is the only one that calls it"
)]

use std::ffi::{CStr, CString, c_int, c_uint};
use std::io;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::ptr;

use clang_sys as c;

/// Why libclang cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibclangError {
    /// It is not installed where it is looked for.
    #[error("cannot load libclang: {0}")]
    Missing(String),
}

/// The loaded library.
pub(super) struct Library(c::CXIndex);

impl Library {
    /// Loads the newest libclang of this machine.
    pub(super) fn load() -> Result<Self, LibclangError> {
        c::load().map_err(LibclangError::Missing)?;
        // SAFETY: the library was loaded for this thread just above.
        Ok(Self(unsafe { c::clang_createIndex(0, 0) }))
    }

    /// Its version, in its own words.
    #[expect(clippy::unused_self, reason = "proves that the library is loaded")]
    pub(super) fn version(&self) -> String {
        // SAFETY: the library is loaded, and the string is ours.
        unsafe { string(c::clang_getClangVersion()) }
    }

    /// Parses a file. `None` if the arguments or the file make no sense to it.
    ///
    /// # Errors
    /// When it crashed, or ran out of memory, and its own crash recovery stepped in: do not use it any more.
    pub(super) fn parse(&self, path: &str, args: &[String]) -> io::Result<Option<Unit<'_>>> {
        let mut code = c::CXError_InvalidArguments;
        let unit = self.unit(path, args, &mut code);
        if code == c::CXError_Crashed {
            return Err(io::Error::other("the parser crashed"));
        }
        Ok(unit)
    }

    fn unit(&self, path: &str, args: &[String], code: &mut c::CXErrorCode) -> Option<Unit<'_>> {
        let path = CString::new(path).ok()?;
        let args: Vec<CString> = args
            .iter()
            .map(|arg| CString::new(arg.as_str()))
            .collect::<Result<_, _>>()
            .ok()?;
        let pointers: Vec<_> = args.iter().map(|arg| arg.as_ptr()).collect();
        let mut unit = ptr::null_mut();
        // SAFETY: all pointers live through the call; the index is that of a loaded library.
        *code = unsafe {
            c::clang_parseTranslationUnit2(
                self.0,
                path.as_ptr(),
                pointers.as_ptr(),
                c_int::try_from(pointers.len()).ok()?,
                ptr::null_mut(),
                0,
                c::CXTranslationUnit_DetailedPreprocessingRecord,
                &raw mut unit,
            )
        };
        (*code == c::CXError_Success && !unit.is_null()).then_some(Unit {
            raw: unit,
            library: PhantomData,
        })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: made by `load`, disposed of once.
        unsafe { c::clang_disposeIndex(self.0) }
    }
}

/// A parsed translation unit.
pub(super) struct Unit<'l> {
    raw: c::CXTranslationUnit,
    library: PhantomData<&'l Library>,
}

/// An error of the compiler.
pub(super) struct Diagnostic {
    pub(super) text: String,
    pub(super) file: Option<String>,
    pub(super) line: u32,
}

impl Unit<'_> {
    /// The cursor above everything.
    pub(super) fn root(&self) -> Cursor<'_> {
        // SAFETY: the unit is alive as long as the cursor that borrows it.
        Cursor::new(unsafe { c::clang_getTranslationUnitCursor(self.raw) })
    }

    /// The errors, warnings left out.
    pub(super) fn errors(&self) -> Vec<Diagnostic> {
        // SAFETY: indices below the number of diagnostics, each disposed of once.
        unsafe {
            (0..c::clang_getNumDiagnostics(self.raw))
                .filter_map(|number| {
                    let raw = c::clang_getDiagnostic(self.raw, number);
                    let error = c::clang_getDiagnosticSeverity(raw) >= c::CXDiagnostic_Error;
                    let found = error.then(|| {
                        let place = place(c::clang_getDiagnosticLocation(raw));
                        Diagnostic {
                            text: string(c::clang_getDiagnosticSpelling(raw)),
                            line: place.line,
                            file: place.file,
                        }
                    });
                    c::clang_disposeDiagnostic(raw);
                    found
                })
                .collect()
        }
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `parse`, disposed of once.
        unsafe { c::clang_disposeTranslationUnit(self.raw) }
    }
}

/// A place in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) file: Option<String>,
    pub(super) line: u32,
    pub(super) offset: usize,
}

/// From where to where something stands in the source; of a macro, where it is used.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) start: Place,
    pub(super) end: Place,
}

/// A node of the syntax tree.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'u> {
    raw: c::CXCursor,
    unit: PhantomData<&'u ()>,
}

/// Storage classes that matter here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    Extern,
    None,
    Static,
}

impl<'u> Cursor<'u> {
    fn new(raw: c::CXCursor) -> Self {
        Self {
            raw,
            unit: PhantomData,
        }
    }

    /// What kind of node it is.
    pub(super) fn kind(self) -> c::CXCursorKind {
        // SAFETY: as for all methods of `Cursor`: the unit outlives it.
        unsafe { c::clang_getCursorKind(self.raw) }
    }

    pub(super) fn name(self) -> String {
        // SAFETY: see `kind`.
        unsafe { string(c::clang_getCursorSpelling(self.raw)) }
    }

    /// The name in the object file.
    pub(super) fn symbol(self) -> String {
        // SAFETY: see `kind`.
        unsafe { string(c::clang_Cursor_getMangling(self.raw)) }
    }

    pub(super) fn is_definition(self) -> bool {
        // SAFETY: see `kind`.
        unsafe { c::clang_isCursorDefinition(self.raw) != 0 }
    }

    pub(super) fn in_system_header(self) -> bool {
        // SAFETY: see `kind`.
        unsafe { c::clang_Location_isInSystemHeader(c::clang_getCursorLocation(self.raw)) != 0 }
    }

    pub(super) fn is_inline(self) -> bool {
        // SAFETY: see `kind`.
        unsafe { c::clang_Cursor_isFunctionInlined(self.raw) != 0 }
    }

    pub(super) fn storage(self) -> Storage {
        // SAFETY: see `kind`.
        match unsafe { c::clang_Cursor_getStorageClass(self.raw) } {
            c::CX_SC_Static => Storage::Static,
            c::CX_SC_Extern => Storage::Extern,
            _ => Storage::None,
        }
    }

    pub(super) fn extent(self) -> Extent {
        // SAFETY: see `kind`.
        unsafe {
            let range = c::clang_getCursorExtent(self.raw);
            Extent {
                start: place(c::clang_getRangeStart(range)),
                end: place(c::clang_getRangeEnd(range)),
            }
        }
    }

    /// The declaration in one line, without a body.
    pub(super) fn declaration(self) -> String {
        // SAFETY: see `kind`; the policy is disposed of once.
        unsafe {
            let policy = c::clang_getCursorPrintingPolicy(self.raw);
            c::clang_PrintingPolicy_setProperty(policy, c::CXPrintingPolicy_TerseOutput, 1);
            let text = string(c::clang_getCursorPrettyPrinted(self.raw, policy));
            c::clang_PrintingPolicy_dispose(policy);
            text
        }
    }

    /// The declaration that it refers to.
    pub(super) fn referenced(self) -> Option<Self> {
        // SAFETY: see `kind`.
        let raw = unsafe { c::clang_getCursorReferenced(self.raw) };
        // SAFETY: see `kind`.
        (unsafe { c::clang_Cursor_isNull(raw) } == 0).then(|| Self::new(raw))
    }

    pub(super) fn ty(self) -> Type<'u> {
        // SAFETY: see `kind`.
        Type::new(unsafe { c::clang_getCursorType(self.raw) })
    }

    /// The parameters of a function.
    pub(super) fn params(self) -> Vec<Self> {
        // SAFETY: see `kind`; indices below the number of arguments.
        unsafe {
            let count = c::clang_Cursor_getNumArguments(self.raw);
            (0..c_uint::try_from(count).unwrap_or(0))
                .map(|number| Self::new(c::clang_Cursor_getArgument(self.raw, number)))
                .collect()
        }
    }

    /// The comment of the declaration, or of another of the same thing.
    pub(super) fn raw_comment(self) -> Option<String> {
        // SAFETY: see `kind`.
        let text = unsafe { string(c::clang_Cursor_getRawCommentText(self.raw)) };
        (!text.is_empty()).then_some(text)
    }

    /// The same comment as a tree.
    pub(super) fn comment(self) -> Comment<'u> {
        // SAFETY: see `kind`.
        Comment::new(unsafe { c::clang_Cursor_getParsedComment(self.raw) })
    }

    /// Calls `each` for the nodes directly below; `Continue(true)` also looks below that node.
    pub(super) fn visit(self, mut each: impl FnMut(Self) -> ControlFlow<(), bool>) {
        let mut each: &mut Visitor<'_, 'u> = &mut each;
        // SAFETY: `each` outlives the call, and `forward` casts it back to what it is.
        unsafe {
            c::clang_visitChildren(self.raw, forward, ptr::from_mut(&mut each).cast());
        }
    }
}

type Visitor<'v, 'u> = dyn FnMut(Cursor<'u>) -> ControlFlow<(), bool> + 'v;

extern "C" fn forward(
    cursor: c::CXCursor,
    _parent: c::CXCursor,
    data: c::CXClientData,
) -> c::CXChildVisitResult {
    // SAFETY: `visit` passes a pointer to such a reference, and nothing else uses it meanwhile.
    let each = unsafe { &mut *data.cast::<&mut Visitor<'_, '_>>() };
    match each(Cursor::new(cursor)) {
        ControlFlow::Break(()) => c::CXChildVisit_Break,
        ControlFlow::Continue(false) => c::CXChildVisit_Continue,
        ControlFlow::Continue(true) => c::CXChildVisit_Recurse,
    }
}

/// A type.
#[derive(Clone, Copy)]
pub(super) struct Type<'u> {
    raw: c::CXType,
    unit: PhantomData<&'u ()>,
}

/// A member of a structure.
pub(super) struct Member<'u> {
    pub(super) name: String,
    pub(super) ty: Type<'u>,
    /// Where it starts, in bytes; `None` for a bit-field, or where that is not known.
    pub(super) offset: Option<u64>,
}

impl<'u> Member<'u> {
    fn new(field: Cursor<'u>) -> Self {
        // SAFETY: the cursor is of a living unit, and that of a field.
        let (bit_field, bits) = unsafe {
            (
                c::clang_Cursor_isBitField(field.raw) != 0,
                c::clang_Cursor_getOffsetOfField(field.raw),
            )
        };
        let offset = u64::try_from(bits).ok().map(|bits| bits / 8);
        Self {
            name: field.name(),
            ty: field.ty(),
            offset: offset.filter(|_| !bit_field),
        }
    }
}

impl<'u> Type<'u> {
    fn new(raw: c::CXType) -> Self {
        Self {
            raw,
            unit: PhantomData,
        }
    }

    /// As it is written.
    pub(super) fn spelling(self) -> String {
        // SAFETY: as for all methods of `Type`: the unit outlives it.
        unsafe { string(c::clang_getTypeSpelling(self.raw)) }
    }

    /// Without typedefs.
    pub(super) fn canonical(self) -> Self {
        // SAFETY: see `spelling`.
        Self::new(unsafe { c::clang_getCanonicalType(self.raw) })
    }

    pub(super) fn kind(self) -> c::CXTypeKind {
        self.raw.kind
    }

    pub(super) fn pointee(self) -> Self {
        // SAFETY: see `spelling`.
        Self::new(unsafe { c::clang_getPointeeType(self.raw) })
    }

    pub(super) fn result(self) -> Self {
        // SAFETY: see `spelling`.
        Self::new(unsafe { c::clang_getResultType(self.raw) })
    }

    /// The elements of an array.
    pub(super) fn element(self) -> Self {
        // SAFETY: see `spelling`.
        Self::new(unsafe { c::clang_getArrayElementType(self.raw) })
    }

    /// How many elements an array has.
    pub(super) fn count(self) -> u64 {
        // SAFETY: see `spelling`.
        u64::try_from(unsafe { c::clang_getArraySize(self.raw) }).unwrap_or(0)
    }

    /// The members of a structure or union.
    pub(super) fn members(self) -> Vec<Member<'u>> {
        // SAFETY: see `spelling`.
        let declaration = Cursor::new(unsafe { c::clang_getTypeDeclaration(self.raw) });
        let mut members = Vec::new();
        declaration.visit(|below| {
            if below.kind() == c::CXCursor_FieldDecl {
                members.push(Member::new(below));
            }
            ControlFlow::Continue(false)
        });
        members
    }

    /// Bytes, if it has a size.
    pub(super) fn size(self) -> Option<u64> {
        // SAFETY: see `spelling`.
        u64::try_from(unsafe { c::clang_Type_getSizeOf(self.raw) }).ok()
    }

    pub(super) fn is_const(self) -> bool {
        // SAFETY: see `spelling`.
        unsafe { c::clang_isConstQualifiedType(self.raw) != 0 }
    }

    pub(super) fn is_variadic(self) -> bool {
        // SAFETY: see `spelling`.
        unsafe { c::clang_isFunctionTypeVariadic(self.raw) != 0 }
    }
}

/// A node of a doxygen comment.
#[derive(Clone, Copy)]
pub(super) struct Comment<'u> {
    raw: c::CXComment,
    unit: PhantomData<&'u ()>,
}

impl Comment<'_> {
    fn new(raw: c::CXComment) -> Self {
        Self {
            raw,
            unit: PhantomData,
        }
    }

    pub(super) fn kind(self) -> c::CXCommentKind {
        // SAFETY: as for all methods of `Comment`: the unit outlives it.
        unsafe { c::clang_Comment_getKind(self.raw) }
    }

    pub(super) fn children(self) -> Vec<Self> {
        // SAFETY: see `kind`; indices below the number of children.
        unsafe {
            (0..c::clang_Comment_getNumChildren(self.raw))
                .map(|number| Self::new(c::clang_Comment_getChild(self.raw, number)))
                .collect()
        }
    }

    /// The text of a text node.
    pub(super) fn text(self) -> String {
        // SAFETY: see `kind`; only called for text nodes.
        unsafe { string(c::clang_TextComment_getText(self.raw)) }
    }

    /// The arguments of an inline command such as `\p x`.
    pub(super) fn inline_arguments(self) -> Vec<String> {
        // SAFETY: see `kind`; only called for inline commands, indices below their number.
        unsafe {
            (0..c::clang_InlineCommandComment_getNumArgs(self.raw))
                .map(|number| string(c::clang_InlineCommandComment_getArgText(self.raw, number)))
                .collect()
        }
    }

    /// The name of a block command such as `return`.
    pub(super) fn command(self) -> String {
        // SAFETY: see `kind`; only called for block commands.
        unsafe { string(c::clang_BlockCommandComment_getCommandName(self.raw)) }
    }

    /// The paragraph of a block command.
    pub(super) fn paragraph(self) -> Self {
        // SAFETY: see `kind`; only called for block commands.
        Self::new(unsafe { c::clang_BlockCommandComment_getParagraph(self.raw) })
    }

    /// The name of a documented parameter.
    pub(super) fn param_name(self) -> String {
        // SAFETY: see `kind`; only called for parameter commands.
        unsafe { string(c::clang_ParamCommandComment_getParamName(self.raw)) }
    }

    /// Its direction, if that is written.
    pub(super) fn param_direction(self) -> Option<c::CXCommentParamPassDirection> {
        // SAFETY: see `kind`; only called for parameter commands.
        unsafe {
            (c::clang_ParamCommandComment_isDirectionExplicit(self.raw) != 0)
                .then(|| c::clang_ParamCommandComment_getDirection(self.raw))
        }
    }
}

/// Takes over a string of libclang's. Sources need not be UTF-8, so neither need this be.
///
/// # Safety
/// The string must come from the loaded library and not be disposed of yet.
unsafe fn string(raw: c::CXString) -> String {
    // SAFETY: a string of the library is null or ends in NUL, and is disposed of once.
    unsafe {
        let text = c::clang_getCString(raw);
        let owned = if text.is_null() {
            String::new()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        };
        c::clang_disposeString(raw);
        owned
    }
}

/// Where a location is; inside a macro, where that is used.
///
/// # Safety
/// The location must be of a living unit.
unsafe fn place(location: c::CXSourceLocation) -> Place {
    let (mut file, mut line, mut column, mut offset) = (ptr::null_mut(), 0, 0, 0);
    // SAFETY: all four pointers live through the call; a null file has an empty name.
    let name = unsafe {
        c::clang_getExpansionLocation(
            location,
            &raw mut file,
            &raw mut line,
            &raw mut column,
            &raw mut offset,
        );
        if file.is_null() {
            String::new()
        } else {
            string(c::clang_getFileName(file))
        }
    };
    Place {
        file: (!name.is_empty()).then_some(name),
        line,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
    }
}
