"""Reading address books: vCard and CSV as programs really write them."""
