"""Reads a folder of address books that others have made, and tells what became of them.

    CORPUS=/path/to/folder python -m tests.corpora

Every `.vcf`, `.vcard` and `.csv` in it and in its folders is read as an import reads it; nothing is kept. The exit
status is 1 if a file made an exception or took too long.
"""
