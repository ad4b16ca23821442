/*
 * _locust: the native module. Linked into the program, where it is built in,
 * and made as an extension for plain python3.
 */
#ifndef LOCUST_MODULE_H
#define LOCUST_MODULE_H

#include <Python.h>

PyMODINIT_FUNC PyInit__locust(void);

#endif
