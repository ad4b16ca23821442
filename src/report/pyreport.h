/* Reports as Python sees them. */
#ifndef LOCUST_REPORT_PYREPORT_H
#define LOCUST_REPORT_PYREPORT_H

#include <Python.h>

/* Each adds types and functions to the module: for CSV files and their rows,
   for the HTML report, for thresholds and JUnit's XML, for the live view. 0 or
   -1. */
int report_module_exec(PyObject *module);
int html_module_exec(PyObject *module);
int threshold_module_exec(PyObject *module);
int live_module_exec(PyObject *module);

#endif
