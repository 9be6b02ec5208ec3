-- Searching counts the sales of a product, and needs to find them by product.
CREATE INDEX lines_by_product ON order_lines (product_id);
