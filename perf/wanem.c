// A user-space wide-area link between two network namespaces, for kernels without sch_netem. Linux, root, /dev/net/tun.
// Each direction: a tail-drop queue of queue_kib drained at rate_mbit, then a fixed one-way delay (and uniform jitter), random loss,
// duplicates, and reordering (a reordered packet skips the delay). Prints "wanem up" when it forwards, and its counters on SIGINT or SIGTERM.
// usage: wanem NS_A IP_A NS_B IP_B [delay_ms=25] [loss_pct=0] [rate_mbit=1000] [queue_kib=4096] [reorder_pct=0] [dup_pct=0] [jitter_ms=0] [mtu=1500] [seed=1]
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <net/if.h>
#include <linux/if_tun.h>

typedef struct { uint64_t due; uint64_t order; uint16_t len; unsigned char *data; } pkt;
typedef struct {
  int in, out; pkt *heap; size_t n, cap; uint64_t link_free, queued_bytes, order;
  uint64_t rx, tx, lost, tail, dup, reord;
} dir;
// The timer runs on ticks of 50 us, as a network card's that moderates its interrupts (what is due also leaves when another packet comes): one set for each
// packet takes 38 % of a processor in a virtual machine, where that is a way out to the host, and the ends of the link have as much less.
#define TICK 50000ull
static double delay_ms=25, loss=0, rate=1000, queue_kib=4096, reorder=0, dupl=0, jitter=0; static int mtu=1500;
static uint64_t rng=88172645463325252ull;
static double rnd(void){ rng^=rng<<13; rng^=rng>>7; rng^=rng<<17; return (rng>>11)*(1.0/9007199254740992.0); }
static uint64_t now(void){ struct timespec t; clock_gettime(CLOCK_MONOTONIC,&t); return t.tv_sec*1000000000ull+t.tv_nsec; }
static void die(const char*m){ perror(m); exit(1); }
static int less(pkt*a,pkt*b){ return a->due<b->due||(a->due==b->due&&a->order<b->order); }
static void push(dir*d,pkt p){ if(d->n==d->cap){ d->cap=d->cap?d->cap*2:1024; d->heap=realloc(d->heap,d->cap*sizeof(pkt)); }
  size_t i=d->n++; while(i&&less(&p,&d->heap[(i-1)/2])){ d->heap[i]=d->heap[(i-1)/2]; i=(i-1)/2; } d->heap[i]=p; }
static pkt pop(dir*d){ pkt top=d->heap[0], last=d->heap[--d->n]; size_t i=0; for(;;){ size_t c=2*i+1; if(c>=d->n)break; if(c+1<d->n&&less(&d->heap[c+1],&d->heap[c]))c++; if(!less(&d->heap[c],&last))break; d->heap[i]=d->heap[c]; i=c; } if(d->n) d->heap[i]=last; return top; }
static int tun_in(const char*ns,const char*ip,const char*peer){
  char p[128]; snprintf(p,sizeof p,"/run/netns/%s",ns); int f=open(p,O_RDONLY); if(f<0)die(p); if(setns(f,CLONE_NEWNET))die("setns"); close(f);
  int t=open("/dev/net/tun",O_RDWR|O_NONBLOCK); if(t<0)die("tun"); struct ifreq r; memset(&r,0,sizeof r); r.ifr_flags=IFF_TUN|IFF_NO_PI; strcpy(r.ifr_name,"wan0"); if(ioctl(t,TUNSETIFF,&r))die("TUNSETIFF");
  char c[512]; snprintf(c,sizeof c,"ip addr add %s peer %s dev wan0 && ip link set wan0 mtu %d txqueuelen 10000 up && ip link set lo up",ip,peer,mtu); if(system(c)) exit(1); return t; }
static void take(dir*d,uint64_t t){ static unsigned char b[65536]; for(int k=0;k<64;k++){ ssize_t n=read(d->in,b,sizeof b); if(n<=0) return; d->rx++;
    if(loss>0&&rnd()*100<loss){ d->lost++; continue; }
    uint64_t ser=rate>0?(uint64_t)(n*8000.0/rate):0; uint64_t start=d->link_free>t?d->link_free:t;
    if(rate>0&&(start-t)*rate/8000.0>queue_kib*1024){ d->tail++; continue; }
    d->link_free=start+ser; int copies=1+(dupl>0&&rnd()*100<dupl); if(copies>1)d->dup++;
    for(int c=0;c<copies;c++){ uint64_t dl=(uint64_t)((delay_ms+jitter*rnd())*1e6); if(reorder>0&&rnd()*100<reorder){ dl=0; d->reord++; }
      pkt p={d->link_free+dl,d->order++,(uint16_t)n,malloc(n)}; memcpy(p.data,b,n); push(d,p); } } }
static void give(dir*d,uint64_t t){ while(d->n&&d->heap[0].due<=t){ pkt p=pop(d); if(write(d->out,p.data,p.len)>0) d->tx++; free(p.data); } }
static volatile sig_atomic_t stop; static void onsig(int s){ (void)s; stop=1; }
int main(int c,char**v){
  if(c<5){ fprintf(stderr,"usage: wanem NS_A IP_A NS_B IP_B [delay_ms] [loss_pct] [rate_mbit] [queue_kib] [reorder_pct] [dup_pct] [jitter_ms] [mtu] [seed]\n"); return 2; }
  double*a[]={&delay_ms,&loss,&rate,&queue_kib,&reorder,&dupl,&jitter}; for(int i=0;i<7&&i+5<c;i++)*a[i]=atof(v[i+5]); if(c>12)mtu=atoi(v[12]); if(c>13)rng^=strtoull(v[13],0,10)*2654435761u;
  int A=tun_in(v[1],v[2],v[4]), B=tun_in(v[3],v[4],v[2]); dir ab={.in=A,.out=B}, ba={.in=B,.out=A};
  int tf=timerfd_create(CLOCK_MONOTONIC,TFD_NONBLOCK); signal(SIGINT,onsig); signal(SIGTERM,onsig); printf("wanem up: %s <-> %s, one-way %gms, loss %g%%, %g Mbit/s, queue %g KiB, reorder %g%%, dup %g%%, jitter %gms\n",v[2],v[4],delay_ms,loss,rate,queue_kib,reorder,dupl,jitter); fflush(stdout);
  uint64_t armed=0; while(!stop){ uint64_t due=~0ull; if(ab.n)due=ab.heap[0].due; if(ba.n&&ba.heap[0].due<due)due=ba.heap[0].due;
    if(due!=~0ull){ due=(due/TICK+1)*TICK; if(due!=armed){ armed=due; struct itimerspec s={{0,0},{due/1000000000ull,due%1000000000ull}}; timerfd_settime(tf,TFD_TIMER_ABSTIME,&s,0); } }
    struct pollfd p[3]={{A,POLLIN,0},{B,POLLIN,0},{tf,POLLIN,0}}; poll(p,3,1000); uint64_t x; if(p[2].revents) (void)!read(tf,&x,8);
    uint64_t t=now(); if(p[0].revents)take(&ab,t); if(p[1].revents)take(&ba,t); t=now(); give(&ab,t); give(&ba,t); }
  dir*d[]={&ab,&ba}; for(int i=0;i<2;i++) printf("%s rx=%lu tx=%lu lost=%lu tail=%lu dup=%lu reordered=%lu\n",i?"B->A":"A->B",d[i]->rx,d[i]->tx,d[i]->lost,d[i]->tail,d[i]->dup,d[i]->reord); return 0; }
