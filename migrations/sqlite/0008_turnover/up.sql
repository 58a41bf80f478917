-- What a book's ledger has moved in all bounds every sum of its amounts.
ALTER TABLE book ADD COLUMN turnover INTEGER NOT NULL DEFAULT 0;
UPDATE book SET turnover = (
    SELECT COALESCE(SUM(p.amount), 0) FROM ledger_posting p WHERE p.lender = book.lender AND p.amount > 0
);
