/*
 * The page of the HTML report, as static/report/build.py made it: part of the
 * program, so that a report can be written wherever the program runs.
 */
    .section .rodata
    .globl  report_page_begin
    .hidden report_page_begin
    .type   report_page_begin, %object
report_page_begin:
    .incbin "static/report/report.html"
    .size   report_page_begin, . - report_page_begin

    .globl  report_page_end
    .hidden report_page_end
    .type   report_page_end, %object
report_page_end:
    .byte   0
    .size   report_page_end, 1

    .section .note.GNU-stack, "", %progbits
