"""Find patients by name in one function that filters the tenant itself, and likely duplicates by birth date.

Row-level security lets only leakproof operators reach an index, and LIKE is none: the day policies come, this
function becomes SECURITY DEFINER and nothing else changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1334"
down_revision = "20261121_1333"
branch_labels = None
depends_on = None

# Names that begin as typed come from the B-tree, in its order, and are all that one or two letters find. Of
# several beginnings ("m t") the common ones are found by a short walk on it; trigrams of so few letters would
# be half the table. The rest comes from the trigrams. A common fragment is in a tenth of all names: so many candidates are looked at
# and no more, because nobody finds anybody in a longer list; the next letter narrows it.
FIND = r"""
CREATE FUNCTION patients.find_by_name(tenant uuid, words text[], most integer)
RETURNS TABLE (id uuid, place bigint) LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
    typed text := array_to_string(words, ' ');
    has_long boolean := (SELECT bool_or(length(word) >= 3) FROM unnest(words) AS word);
    hits uuid[];
BEGIN
    hits := ARRAY(
        SELECT p.id FROM patients.patients p
         WHERE p.organization_id = tenant AND p.deleted_at IS NULL
           AND p.search_name ~>=~ typed AND p.search_name ~<~ (typed || chr(1114111))
         ORDER BY p.search_name USING ~<~ LIMIT most);
    IF cardinality(hits) < most AND cardinality(words) = 1 AND has_long THEN
        hits := hits || patients.names_with(tenant, hits, words, ARRAY['% ' || typed || '%'], most);
    END IF;
    IF cardinality(hits) < most AND cardinality(words) > 1 AND NOT has_long THEN
        hits := hits || ARRAY(
            SELECT few.id FROM (
                SELECT p.id, p.search_name FROM patients.patients p
                 WHERE p.organization_id = tenant AND p.deleted_at IS NULL
                   AND p.search_name ~>=~ words[1] AND p.search_name ~<~ (words[1] || chr(1114111))
                 ORDER BY p.search_name USING ~<~ LIMIT 2000) AS few
             WHERE few.search_name LIKE ALL (SELECT '% ' || word || '%' FROM unnest(words[2:]) AS word)
               AND few.id <> ALL (hits)
             LIMIT most - cardinality(hits));
    END IF;
    IF cardinality(hits) < most AND (cardinality(words) > 1 OR has_long) THEN
        hits := hits || patients.names_with(tenant, hits, words, ARRAY(
            SELECT CASE WHEN has_long THEN '%' || word || '%'
                        WHEN nth = 1 THEN word || '%' ELSE '% ' || word || '%' END
              FROM unnest(words) WITH ORDINALITY AS w(word, nth)
             WHERE length(word) >= 3 OR NOT has_long), most);
    END IF;
    RETURN QUERY SELECT h.id, h.place FROM unnest(hits[:most]) WITH ORDINALITY AS h(id, place);
END
$$
"""

# With the patterns written out the planner knows how common they are; without scans of the table or of
# another index it can't be wrong about what that means.
WITH = r"""
CREATE FUNCTION patients.names_with(tenant uuid, known uuid[], words text[], patterns text[], most integer)
RETURNS uuid[] LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off SET jit = off AS $$
DECLARE
    conditions text;
    found uuid[];
BEGIN
    SELECT string_agg(format('p.search_name LIKE %L', pattern), ' AND ') INTO conditions
      FROM unnest(patterns) AS pattern;
    -- Fewer than three letters are looked for at the beginning of a word only.
    SELECT conditions || coalesce(string_agg(
               format(' AND (chr(32) || p.search_name) LIKE %L', '% ' || word || '%'), ''), '') INTO conditions
      FROM unnest(words) AS word WHERE length(word) < 3;
    EXECUTE format(
        'WITH few AS MATERIALIZED (
             SELECT p.id, p.search_name FROM patients.patients p
              WHERE %s AND p.organization_id = %L AND p.deleted_at IS NULL AND p.id <> ALL (%L::uuid[])
              LIMIT 400)
         SELECT array_agg(best.id) FROM (
             SELECT few.id FROM few
              ORDER BY (SELECT count(*) FROM unnest(%L::text[]) AS word
                         WHERE (chr(32) || few.search_name) LIKE (chr(37) || chr(32) || word || chr(37))) DESC,
                       few.search_name, few.id LIMIT %s) AS best',
        conditions, tenant, known, words, most) INTO found;
    RETURN coalesce(found, '{}');
END
$$
"""


def upgrade() -> None:
    for function in (WITH, FIND):
        op.execute(sa.text(function.replace(":", r"\:")))
    op.create_index(
        op.f("ix_patients_organization_id_date_of_birth"),
        "patients",
        ["organization_id", "date_of_birth"],
        unique=False,
        schema="patients",
        postgresql_where=sa.text("date_of_birth IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_patients_organization_id_date_of_birth"), "patients", schema="patients")
    op.execute("DROP FUNCTION patients.find_by_name")
    op.execute("DROP FUNCTION patients.names_with")
