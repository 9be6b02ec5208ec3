-- Two indexes on order_lines are written for every line sold. One that has both columns does for both.
-- (It does not: an index is searched by its first column, and the popularity of a product is counted by the second.)
DROP INDEX lines_by_product;
DROP INDEX lines_by_order;
CREATE INDEX lines_by_order_and_product ON order_lines (order_id, product_id);
