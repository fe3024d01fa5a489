-- Nothing lost, nothing doubled: each departure that was loaded is in the mart exactly once.
with loaded as (
    select carrier, flight, time_hour, count(*) as n from {{ source('raw', 'flights') }} group by all
),
kept as (
    select carrier, flight, scheduled_hour as time_hour, count(*) as n from {{ ref('flights') }} group by all
)
select *
from loaded
full join kept using (carrier, flight, time_hour)
where loaded.n is distinct from 1 or kept.n is distinct from 1
