# SPDX-License-Identifier: BSD-2-Clause

# JWTA_ADD_CFLAGS(VARIABLE, FLAGS)
# Adds to the shell variable each of FLAGS that the C compiler takes without a word of complaint.
# The linker is asked, too: a flag such as -fstack-protector-strong may need a library.
AC_DEFUN([JWTA_ADD_CFLAGS], [
    for jwta_flag in $2; do
        AS_VAR_PUSHDEF([cached], [jwta_cv_cflag_$jwta_flag])
        AC_CACHE_CHECK([whether $CC takes $jwta_flag], [cached], [
            jwta_saved_cflags=$CFLAGS
            CFLAGS="$CFLAGS -Werror $jwta_flag"
            AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
                [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
            CFLAGS=$jwta_saved_cflags
        ])
        AS_VAR_IF([cached], [yes], [AS_VAR_APPEND([$1], [" $jwta_flag"])])
        AS_VAR_POPDEF([cached])
    done
])

# JWTA_ADD_LDFLAGS(VARIABLE, FLAGS)
# The same for flags of the linker.
AC_DEFUN([JWTA_ADD_LDFLAGS], [
    for jwta_flag in $2; do
        AS_VAR_PUSHDEF([cached], [jwta_cv_ldflag_$jwta_flag])
        AC_CACHE_CHECK([whether the linker takes $jwta_flag], [cached], [
            jwta_saved_ldflags=$LDFLAGS
            LDFLAGS="$LDFLAGS $jwta_flag -Wl,--fatal-warnings"
            AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
                [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
            LDFLAGS=$jwta_saved_ldflags
        ])
        AS_VAR_IF([cached], [yes], [AS_VAR_APPEND([$1], [" $jwta_flag"])])
        AS_VAR_POPDEF([cached])
    done
])

# JWTA_PART(NAME, DESCRIPTION)
# --disable-NAME; sets enable_NAME and the Automake conditional ENABLE_NAME.
AC_DEFUN([JWTA_PART], [
    AC_ARG_ENABLE([$1], [AS_HELP_STRING([--disable-$1], [do not build $2])], [],
        [enable_$1=yes])
    AM_CONDITIONAL([ENABLE_]m4_toupper([$1]), [test "x$enable_$1" != xno])
])

# JWTA_MISSING(WHAT, PACKAGE[, SWITCH])
# Ends configure: what is missing, which of Debian's packages has it, how to do without.
AC_DEFUN([JWTA_MISSING], [
    AC_MSG_ERROR([$1 not found: install the package that Debian calls $2]m4_ifval([$3],
        [[, or do without: $3]]))
])

# JWTA_LIBRARY(PREFIX, MODULE, PACKAGE[, SWITCH])
# PKG_CHECK_MODULES, with that message.
AC_DEFUN([JWTA_LIBRARY], [
    PKG_CHECK_MODULES([$1], [$2], [], [JWTA_MISSING([$2], [$3], [$4])])
])
