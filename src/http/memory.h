/*
 * libcurl's memory, and OpenSSL's. A request makes libcurl allocate and free
 * some hundred blocks, many of them on threads that do nothing else, so an I/O
 * thread keeps what was freed for the next request instead of asking malloc()
 * again.
 */
#ifndef LOCUST_HTTP_MEMORY_H
#define LOCUST_HTTP_MEMORY_H

#include <curl/curl.h>

/* curl_global_init() with our allocator. May be called again. */
CURLcode memory_init(void);

/* OpenSSL allocates with ours, too. It takes that only from who comes before its
   first use; later nothing changes. */
void memory_serve_openssl(void);

/* The calling thread keeps freed blocks from now on. */
void memory_keep(void);

/* The calling thread's kept blocks go back to malloc(). */
void memory_give_back(void);

/* The same, and it keeps no more: for its end. */
void memory_keep_no_more(void);

#endif
