/*
 * The native module: one list of the rooms that add types and functions.
 *
 * It belongs to the process (one hub, one engine), so it is initialised once
 * and refuses sub-interpreters.
 */
#include "config.h"
#include "module.h"

#include "base/names.h"
#include "coop/coop.h"
#include "event/event.h"
#include "green/green.h"
#include "green/group.h"
#include "http/client.h"
#include "http/fast.h"
#include "http/response.h"
#include "user/user.h"
#include "stats/pystats.h"
#include "report/pyreport.h"
#include "run/dispatcher.h"
#include "run/runner.h"

typedef int (*room_exec)(PyObject *module);

/* In the order in which they need one another. */
static const room_exec rooms[] = {
    green_module_exec,
    functions_module_exec,
    callback_module_exec,
    timeout_module_exec,
    semaphore_module_exec,
    lock_module_exec,
    flag_module_exec,
    async_result_module_exec,
    queue_module_exec,
    watcher_module_exec,
    group_module_exec,
    coop_module_exec,
    event_module_exec,
    response_module_exec,
    session_cookies_module_exec,
    transport_module_exec,
    session_module_exec,
    perform_module_exec,
    engine_module_exec,
    helpers_module_exec,
    pool_module_exec,
    agent_module_exec,
    fast_response_module_exec,
    fast_session_module_exec,
    user_module_exec,
    stats_module_exec,
    report_module_exec,
    html_module_exec,
    threshold_module_exec,
    live_module_exec,
    choices_module_exec,
    dispatcher_module_exec,
    runner_module_exec,
};

PyDoc_STRVAR(module_doc,
             "The native half of locust. Import locust, not this.");

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_locust",
    .m_doc = module_doc,
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit__locust(void)
{
    if (names_init() < 0) {
        return NULL;
    }
    PyObject *module = PyModule_Create(&module_def);
    if (module == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        if (rooms[i](module) < 0) {
            Py_DECREF(module);
            return NULL;
        }
    }
    if (PyModule_AddStringConstant(module, "__version__", PACKAGE_VERSION) <
            0 ||
        PyModule_AddStringConstant(module, "PYTHON_PROGRAM", PYTHON_PROGRAM) <
            0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
