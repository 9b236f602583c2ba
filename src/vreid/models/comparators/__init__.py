"""Networks of other papers that the tables compare with, each for images of one spectrum."""
