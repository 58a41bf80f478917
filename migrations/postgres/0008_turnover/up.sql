-- What a book's ledger has moved in all bounds every sum of its amounts.
ALTER TABLE book ADD COLUMN turnover BIGINT NOT NULL DEFAULT 0;
UPDATE book SET turnover = (
    SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM ledger_posting p WHERE p.lender = book.lender AND p.amount > 0
);
