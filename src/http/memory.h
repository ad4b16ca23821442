/*
 * libcurl's memory, and OpenSSL's. A request makes libcurl allocate and free
 * some hundred blocks, so an I/O thread keeps what was freed for the next one;
 * and what connections keep lies close together. Blocks are freed by libcurl
 * and OpenSSL only: free() does not know them.
 */
#ifndef LOCUST_HTTP_MEMORY_H
#define LOCUST_HTTP_MEMORY_H

#include <curl/curl.h>

/* curl_global_init() with our allocator. May be called again. */
CURLcode memory_init(void);

/* OpenSSL allocates with ours, too. It takes that only from who comes before
   its first use; later nothing changes. */
void memory_serve_openssl(void);

/* The calling thread keeps freed blocks from now on. */
void memory_keep(void);

/* Gives the memory of kept blocks back to the system, whole pages of it. Takes
   time: for when there is nothing to do. */
void memory_give_back(void);

/* The same; what is left is for other threads, and the calling one keeps no
   more: for its end. */
void memory_keep_no_more(void);

/* How many bytes a block has, at the least. */
size_t memory_bytes(void *block);

/* How many bytes the block has that begins there; 0: none of ours does. Takes
   any pointer. The block may be free, another thread's, or not yet used; it can
   be read. */
size_t memory_block(const void *p);

#endif
