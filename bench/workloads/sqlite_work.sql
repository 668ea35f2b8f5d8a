-- A database in memory: rows of several sizes are inserted, indexed, joined, grouped, updated and deleted.
create table item(id integer primary key, name text, kind integer, body blob);
create table event(id integer primary key, item integer, note text);
with recursive n(i) as (values(1) union all select i + 1 from n where i < 180000 * @SCALE@)
  insert into item select i, 'item number ' || i, i % 97, zeroblob(16 + i * 37 % 400) from n;
create index item_by_kind on item(kind, name);
with recursive n(i) as (values(1) union all select i + 1 from n where i < 360000 * @SCALE@)
  insert into event select i, 1 + i * 31 % 180000, printf('%s happened to %d', substr('made moved sold lost', 1 + i % 4 * 5, 4), i) from n;
create index event_by_item on event(item);
select kind, count(*), sum(length(body)), max(name) from item group by kind order by kind limit 5;
select count(*), sum(length(note)) from item join event on event.item = item.id where kind < 40;
select group_concat(name) from (select name from item where kind = 3 order by name desc limit 50);
update item set body = zeroblob(100 + id % 900), name = upper(name) where kind % 3 = 0;
delete from event where item % 5 = 0;
select count(distinct substr(note, 1, 12)), count(*) from event;
select sum(length(name)), sum(length(body)) from item;
