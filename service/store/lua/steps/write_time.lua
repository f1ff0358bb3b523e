-- Write a time as RQ does. Takes it in ms, as a text.

return iso.of(...)
