-- Every lookup of the API has its index. Applied after the rows are in: building an index once is cheaper than
-- keeping it in order row by row.
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);
CREATE INDEX reviews_by_product ON reviews (product_id, written_at);
CREATE INDEX lines_by_order ON order_lines (order_id);
CREATE INDEX lines_by_product ON order_lines (product_id);
