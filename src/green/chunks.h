/* Memory for the Python frames of green threads, kept for the next one. */
#ifndef LOCUST_GREEN_CHUNKS_H
#define LOCUST_GREEN_CHUNKS_H

/* From now on CPython's chunks of frames come from what ended green threads
   left, if there is any. Again does nothing. With the GIL held. */
void chunks_init(void);

#endif
