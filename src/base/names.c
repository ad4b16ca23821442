/* The table of interned strings; see names.h. */
#include "base/names.h"

struct names names;

int
names_init(void)
{
#define X(word)                                                               \
    if (names.word == NULL &&                                                 \
        (names.word = PyUnicode_InternFromString(#word)) == NULL) {           \
        return -1;                                                            \
    }
    NAMES(X)
#undef X
    if (names.empty == NULL) {
        names.empty = PyUnicode_FromString("");
    }
    return names.empty == NULL ? -1 : 0;
}
