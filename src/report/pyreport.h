/* Reports as Python sees them: CSV files and their rows. */
#ifndef LOCUST_REPORT_PYREPORT_H
#define LOCUST_REPORT_PYREPORT_H

#include <Python.h>

/* Adds types and functions to the module. 0 or -1. */
int report_module_exec(PyObject *module);

#endif
