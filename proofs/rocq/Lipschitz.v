(* Theorem 4 for Lipschitz functions, whose gradients exist almost everywhere, in any number of
   variables. Near every line parallel to an axis is another that meets a set of measure 0 in length
   0 (of Fubini's theorem, what is needed); a Lipschitz function of one variable whose derivative is
   0 almost everywhere is constant. That the exceptional set of a Lipschitz function has measure 0
   is Rademacher's theorem, which is a hypothesis here. *)
From Coq Require Import Reals Lra Lia List FinFun Classical Cantor.
From Coquelicot Require Import Coquelicot.
From GAR Require Import Sums GradientMatching.
Open Scope R_scope.

(* Sets of length 0: covered by intervals of total length at most eps. *)
Definition null (E : R -> Prop) := forall eps, 0 < eps -> exists a b : nat -> R,
  (forall k, a k <= b k) /\ (forall x, E x -> exists k, a k < x < b k)
  /\ forall n, bsum n (fun k => b k - a k) <= eps.

(* What passes every point of [0, 1] reaches 1. *)
Lemma creep (P : R -> Prop) : P 0 ->
  (forall t, 0 <= t <= 1 -> exists delta, 0 < delta /\ forall x z, 0 <= x <= t -> t <= z <= 1 ->
     t - delta < x -> z < t + delta -> P x -> P z) -> P 1.
Proof. intros P0 H. set (A x := 0 <= x <= 1 /\ P x).
  destruct (completeness A) as [c [U L]].
  - exists 1. intros x [Hx _]. lra.
  - exists 0. split; auto. lra.
  - assert (C : 0 <= c <= 1).
    { split; [apply U; split; auto; lra | apply L; intros x [Hx _]; lra]. }
    destruct (H c C) as [delta [D K]].
    assert (X : exists x, A x /\ c - delta < x).
    { apply NNPP. intros N. assert (c <= c - delta); [|lra]. apply L. intros x Ax.
      destruct (Rle_dec x (c - delta)); auto. elim N. exists x. split; auto; lra. }
    destruct X as (x & [Hx Px] & Hd). pose proof (U x (conj Hx Px)) as Xc.
    assert (G : forall z, c <= z <= 1 -> z < c + delta -> P z) by (intros z Hz Hzd; apply (K x z); auto; lra).
    destruct (Rle_lt_dec 1 c) as [E|E]; [apply G; lra|].
    set (z := Rmin 1 (c + delta / 2)).
    assert (Z : c < z <= 1 /\ z < c + delta)
      by (unfold z, Rmin; destruct (Rle_dec 1 (c + delta / 2)); lra).
    assert (z <= c); [|lra]. apply U. split; [lra|]. apply G; lra. Qed.

(* The part of an interval on the left of x. *)
Definition left_of (a b x : R) := Rmax a (Rmin x b).
Lemma left_of_grows a b x z : x <= z -> left_of a b x <= left_of a b z.
Proof. unfold left_of, Rmax, Rmin. intros H. repeat destruct Rle_dec; lra. Qed.
Lemma left_of_within a b x : a < x < b -> left_of a b x = x.
Proof. unfold left_of, Rmax, Rmin. intros H. repeat destruct Rle_dec; lra. Qed.
Lemma left_of_bounds a b x : a <= b -> a <= left_of a b x <= b.
Proof. unfold left_of, Rmax, Rmin. intros H. repeat destruct Rle_dec; lra. Qed.

Lemma bsum_more n n' f : (n <= n')%nat -> (forall k, 0 <= f k) -> bsum n f <= bsum n' f.
Proof. intros H P. induction H; [lra|]. simpl. pose proof (P m). lra. Qed.
Lemma bsum_one n k f : (k < n)%nat -> (forall k, 0 <= f k) -> f k <= bsum n f.
Proof. intros H P. apply Rle_trans with (bsum (S k) f); [|apply bsum_more; auto].
  simpl. pose proof (bsum_ge0 k f (fun i _ => P i)). lra. Qed.

(* A Lipschitz function of one variable whose derivative is 0 almost everywhere is constant. *)
Theorem flat_almost_everywhere (h : R -> R) (E : R -> Prop) (C : R) : 0 <= C -> null E ->
  (forall x z, 0 <= x <= 1 -> 0 <= z <= 1 -> Rabs (h x - h z) <= C * Rabs (x - z)) ->
  (forall t, 0 <= t <= 1 -> ~ E t -> is_derive h t 0) -> h 1 = h 0.
Proof. intros C0 N Lip D.
  assert (G : forall eps, 0 < eps -> Rabs (h 1 - h 0) <= (1 + C) * eps).
  2:{ apply Rminus_diag_uniq. apply Rabs_eq_0. apply Rle_antisym; [|apply Rabs_pos].
      apply le_epsilon. intros e He. rewrite Rplus_0_l.
      apply Rle_trans with (1 := G (e / (1 + C)) ltac:(apply Rdiv_lt_0_compat; lra)).
      right. field. lra. }
  intros eps He. destruct (N eps He) as (a & b & O & Cover & Len).
  set (len n x := bsum n (fun k => left_of (a k) (b k) x - left_of (a k) (b k) 0)).
  assert (Grow : forall n x z, x <= z -> len n x <= len n z).
  { intros n x z H. apply bsum_le. intros k _. pose proof (left_of_grows (a k) (b k) x z H). lra. }
  assert (P1 : exists n, Rabs (h 1 - h 0) <= eps * 1 + C * len n 1).
  { apply (creep (fun x => exists n, Rabs (h x - h 0) <= eps * x + C * len n x)).
    - exists 0%nat. rewrite Rminus_eq_0, Rabs_R0. unfold len; simpl. lra.
    - intros t Ht. destruct (classic (E t)) as [Et|Et].
      + destruct (Cover t Et) as [k Hk]. exists (Rmin (t - a k) (b k - t)). split.
        { unfold Rmin. destruct Rle_dec; lra. }
        intros x z Hx Hz X Z [n Hn]. exists (max n (S k)).
        assert (I : a k < x /\ z < b k) by (revert X Z; unfold Rmin; destruct Rle_dec; lra).
        assert (More : len n x <= len (max n (S k)) x).
        { apply bsum_more; [lia|]. intros j. cbv beta. pose proof (left_of_grows (a j) (b j) 0 x ltac:(lra)). lra. }
        assert (Step : z - x <= len (max n (S k)) z - len (max n (S k)) x).
        { unfold len. rewrite <- bsum_minus.
          apply Rle_trans with ((fun j => left_of (a j) (b j) z - left_of (a j) (b j) 0
            - (left_of (a j) (b j) x - left_of (a j) (b j) 0)) k).
          - cbv beta. rewrite (left_of_within (a k) (b k) z), (left_of_within (a k) (b k) x) by lra. lra.
          - apply (bsum_one (max n (S k)) k (fun j => left_of (a j) (b j) z - left_of (a j) (b j) 0
              - (left_of (a j) (b j) x - left_of (a j) (b j) 0))); [lia|].
            intros j. cbv beta. pose proof (left_of_grows (a j) (b j) x z ltac:(lra)). lra. }
        pose proof (Lip z x ltac:(lra) ltac:(lra)) as Lx. rewrite (Rabs_right (z - x)) in Lx by lra.
        apply Rmult_le_compat_l with (r := C) in More; auto.
        apply Rmult_le_compat_l with (r := C) in Step; auto.
        replace (h z - h 0) with ((h z - h x) + (h x - h 0)) by ring.
        apply Rle_trans with (1 := Rabs_triang _ _).
        assert (eps * x <= eps * z) by (apply Rmult_le_compat_l; lra). lra.
      + pose proof (D t Ht Et) as Dt. apply is_derive_Reals in Dt.
        destruct (Dt eps He) as [delta Hd]. exists delta. split; [apply cond_pos|].
        assert (Near : forall x, Rabs (x - t) < delta -> Rabs (h x - h t) <= eps * Rabs (x - t)).
        { intros x Hx. destruct (Req_dec x t) as [->|Ne].
          - rewrite !Rminus_eq_0, !Rabs_R0. lra.
          - pose proof (Hd (x - t) ltac:(lra) Hx) as Q.
            replace (t + (x - t)) with x in Q by ring. rewrite Rminus_0_r in Q.
            pose proof (Rabs_pos_lt (x - t) ltac:(lra)) as Pt.
            unfold Rdiv in Q. rewrite Rabs_mult, Rabs_inv in Q.
            left. apply Rmult_lt_compat_r with (r := Rabs (x - t)) in Q; auto.
            rewrite Rmult_assoc, Rinv_l, Rmult_1_r in Q by lra. exact Q. }
        intros x z Hx Hz X Z [n Hn]. exists n.
        pose proof (Near x ltac:(rewrite Rabs_left1; lra)) as Nx.
        pose proof (Near z ltac:(rewrite Rabs_right; lra)) as Nz.
        rewrite (Rabs_left1 (x - t)) in Nx by lra. rewrite (Rabs_right (z - t)) in Nz by lra.
        pose proof (Grow n x z ltac:(lra)) as Gn. apply Rmult_le_compat_l with (r := C) in Gn; auto.
        replace (h z - h 0) with ((h z - h t) + - (h x - h t) + (h x - h 0)) by ring.
        apply Rle_trans with (1 := Rabs_triang _ _).
        pose proof (Rabs_triang (h z - h t) (- (h x - h t))) as T. rewrite Rabs_Ropp in T. lra. }
  destruct P1 as [n Hn].
  assert (len n 1 <= eps).
  { apply Rle_trans with (2 := Len n). apply bsum_le. intros k _.
    pose proof (left_of_bounds (a k) (b k) 1 (O k)). pose proof (left_of_bounds (a k) (b k) 0 (O k)). lra. }
  apply Rmult_le_compat_l with (r := C) in H; auto. lra. Qed.

(* --- sums of many numbers --- *)
Lemma small_tail (f : nat -> R) M : (forall k, 0 <= f k) -> (forall n, bsum n f <= M) ->
  forall eps, 0 < eps -> exists K, forall n, bsum n (fun k => f (K + k)%nat) <= eps.
Proof. intros P B eps He. set (A x := exists n, x = bsum n f).
  destruct (completeness A) as [l [U L]].
  - exists M. intros x [n ->]. auto.
  - exists 0. exists 0%nat. reflexivity.
  - assert (X : exists K, l - eps < bsum K f).
    { apply NNPP. intros N. assert (l <= l - eps); [|lra]. apply L. intros x [n ->].
      destruct (Rle_dec (bsum n f) (l - eps)); auto. elim N. exists n. lra. }
    destruct X as [K HK]. exists K. intros n. pose proof (U (bsum (K + n) f) (ex_intro _ _ eq_refl)) as H.
    rewrite bsum_app in H. lra. Qed.

Fixpoint lsum {T} (f : T -> R) (l : list T) : R := match l with nil => 0 | x :: r => f x + lsum f r end.
Lemma lsum_app {T} (f : T -> R) l r : lsum f (l ++ r) = lsum f l + lsum f r.
Proof. induction l; simpl; [ring | rewrite IHl; ring]. Qed.
Lemma lsum_included {T} (f : T -> R) l r : (forall x, 0 <= f x) -> NoDup l -> incl l r -> lsum f l <= lsum f r.
Proof. intros P. revert r. induction l as [|x l IH]; intros r D I; simpl.
  - clear -P. induction r; simpl; [lra|]. pose proof (P a). lra.
  - inversion D; subst. destruct (in_split x r (I x (or_introl eq_refl))) as (r1 & r2 & ->).
    rewrite lsum_app. simpl.
    assert (lsum f l <= lsum f (r1 ++ r2)); [|rewrite lsum_app in *; lra].
    apply IH; auto. intros z Hz. pose proof (I z (or_intror Hz)) as J.
    apply in_app_iff in J. apply in_app_iff. simpl in J. destruct J as [J|[J|J]]; auto. subst. tauto. Qed.
Lemma lsum_seq f n : lsum f (seq 0 n) = bsum n f.
Proof. induction n; auto. rewrite seq_S, lsum_app, IHn. simpl. ring. Qed.
Lemma lsum_map {T U} (f : U -> R) (g : T -> U) l : lsum f (map g l) = lsum (fun x => f (g x)) l.
Proof. induction l; simpl; congruence. Qed.
Lemma lsum_pairs (f : nat * nat -> R) n l : lsum f (list_prod l (seq 0 n)) = lsum (fun m => bsum n (fun k => f (m, k))) l.
Proof. induction l; simpl; auto. rewrite lsum_app, IHl, lsum_map, lsum_seq. reflexivity. Qed.
Lemma one_sequence (f : nat * nat -> R) n : (forall x, 0 <= f x) ->
  bsum n (fun i => f (of_nat i)) <= bsum n (fun m => bsum n (fun k => f (m, k))).
Proof. intros P. rewrite <- lsum_seq, <- (lsum_map f of_nat), <- lsum_seq, <- lsum_pairs.
  apply lsum_included; auto.
  - apply Injective_map_NoDup; [|apply seq_NoDup]. intros i j H.
    rewrite <- (cancel_to_of i), <- (cancel_to_of j), H. reflexivity.
  - intros [m k] H. apply in_map_iff in H. destruct H as (i & E & Hi). apply in_seq in Hi.
    pose proof (to_nat_non_decreasing m k) as Q. rewrite <- E, cancel_to_of in Q.
    apply in_prod; apply in_seq; lia. Qed.

(* --- a coordinate that few intervals contain, near any number --- *)
Definition inside (a b x : R) : R := if Rlt_dec a x then if Rlt_dec x b then 1 else 0 else 0.
Lemma inside_01 a b x : inside a b x = 1 /\ a < x < b \/ inside a b x = 0 /\ ~ a < x < b.
Proof. unfold inside. destruct (Rlt_dec a x); [destruct (Rlt_dec x b)|]; [left|right|right]; split; lra. Qed.

Theorem few_contain (c a b : nat -> R) M p q : (forall k, 0 <= c k) -> (forall k, a k <= b k) ->
  (forall n, bsum n (fun k => c k * (b k - a k)) <= M) -> p < q ->
  exists x, p <= x <= q /\ exists M', forall n, bsum n (fun k => c k * inside (a k) (b k) x) <= M'.
Proof. intros C O B Hpq.
  destruct (small_tail (fun k => c k * (b k - a k)) M) with (eps := (q - p) / 2) as [K HK]; auto; try lra.
  { intros k. apply Rmult_le_pos; auto. pose proof (O k). lra. }
  apply NNPP. intros N.
  set (grown n x := bsum n (fun k => c (K + k)%nat * (left_of (a (K + k)%nat) (b (K + k)%nat) x
    - left_of (a (K + k)%nat) (b (K + k)%nat) p))).
  set (pos t := p + (q - p) * t).
  assert (P1 : exists n, (q - p) * 1 <= grown n (pos 1)).
  { apply (creep (fun t => exists n, (q - p) * t <= grown n (pos t))).
    - exists 0%nat. unfold grown; simpl. lra.
    - intros t Ht.
      assert (T : p <= pos t <= q).
      { unfold pos. assert (0 <= (q - p) * t) by (apply Rmult_le_pos; lra).
        assert ((q - p) * t <= (q - p) * 1) by (apply Rmult_le_compat_l; lra). lra. }
      assert (X : exists n, 1 < bsum n (fun k => c (K + k)%nat * inside (a (K + k)%nat) (b (K + k)%nat) (pos t))).
      { apply NNPP. intros F. apply N. exists (pos t). split; auto.
        exists (bsum K (fun k => c k * inside (a k) (b k) (pos t)) + 1). intros n.
        apply Rle_trans with (bsum (K + n) (fun k => c k * inside (a k) (b k) (pos t))).
        - apply bsum_more; [lia|]. intros k. apply Rmult_le_pos; auto.
          destruct (inside_01 (a k) (b k) (pos t)) as [[-> _]|[-> _]]; lra.
        - rewrite bsum_app. apply Rplus_le_compat_l. apply Rnot_lt_le. intros L. apply F. exists n. exact L. }
      destruct X as [n Hn].
      assert (D : exists delta, 0 < delta /\ forall k, (k < n)%nat ->
        inside (a (K + k)%nat) (b (K + k)%nat) (pos t) = 1 ->
        a (K + k)%nat < pos t - delta /\ pos t + delta < b (K + k)%nat).
      { clear -t. induction n as [|n (delta & Dp & IH)]; [exists 1; split; [lra | intros; lia]|].
        destruct (inside_01 (a (K + n)%nat) (b (K + n)%nat) (pos t)) as [[_ I]|[I _]].
        - set (e := Rmin (pos t - a (K + n)%nat) (b (K + n)%nat - pos t) / 2).
          assert (E : 0 < e /\ a (K + n)%nat < pos t - e /\ pos t + e < b (K + n)%nat)
            by (unfold e, Rmin; destruct Rle_dec; lra).
          exists (Rmin delta e). split; [unfold Rmin; destruct Rle_dec; lra|]. intros k Hk Ik.
          pose proof (Rmin_l delta e). pose proof (Rmin_r delta e).
          destruct (Nat.eq_dec k n) as [->|Ne]; [lra|].
          pose proof (IH k ltac:(lia) Ik). lra.
        - exists delta. split; auto. intros k Hk Ik. destruct (Nat.eq_dec k n) as [->|Ne]; [lra|].
          apply IH; auto; lia. }
      destruct D as (delta & Dp & D). exists (delta / (q - p)). split; [apply Rdiv_lt_0_compat; lra|].
      intros x z Hx Hz X Z [n' Hn'].
      assert (Near : pos t - delta < pos x <= pos t /\ pos t <= pos z < pos t + delta).
      { assert (Sc : delta = (q - p) * (delta / (q - p))) by (field; lra).
        unfold pos. rewrite Sc. repeat split.
        - replace (p + (q - p) * t - (q - p) * (delta / (q - p))) with (p + (q - p) * (t - delta / (q - p))) by ring.
          apply Rplus_lt_compat_l, Rmult_lt_compat_l; lra.
        - apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
        - apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
        - replace (p + (q - p) * t + (q - p) * (delta / (q - p))) with (p + (q - p) * (t + delta / (q - p))) by ring.
          apply Rplus_lt_compat_l, Rmult_lt_compat_l; lra. }
      exists (max n n').
      assert (G1 : grown n' (pos x) <= grown (max n n') (pos x)).
      { apply bsum_more; [lia|]. intros k. apply Rmult_le_pos; auto.
        assert (p <= pos x) by (unfold pos; assert (0 <= (q - p) * x) by (apply Rmult_le_pos; lra); lra).
        pose proof (left_of_grows (a (K + k)%nat) (b (K + k)%nat) p (pos x) H). lra. }
      assert (G2 : pos z - pos x <= grown (max n n') (pos z) - grown (max n n') (pos x)).
      { unfold grown. rewrite <- bsum_minus.
        apply Rle_trans with (bsum n (fun k => c (K + k)%nat * inside (a (K + k)%nat) (b (K + k)%nat) (pos t))
          * (pos z - pos x)).
        - rewrite <- (Rmult_1_l (pos z - pos x)) at 1. apply Rmult_le_compat_r; lra.
        - rewrite <- bsum_scalr.
          apply Rle_trans with (bsum n (fun k => c (K + k)%nat * (left_of (a (K + k)%nat) (b (K + k)%nat) (pos z)
             - left_of (a (K + k)%nat) (b (K + k)%nat) p) - c (K + k)%nat
             * (left_of (a (K + k)%nat) (b (K + k)%nat) (pos x) - left_of (a (K + k)%nat) (b (K + k)%nat) p))).
          + apply bsum_le. intros k Hk.
            destruct (inside_01 (a (K + k)%nat) (b (K + k)%nat) (pos t)) as [[I _]|[I _]].
            * pose proof (D k Hk I). rewrite I.
              rewrite (left_of_within _ _ (pos z)), (left_of_within _ _ (pos x)) by lra. lra.
            * rewrite I. pose proof (left_of_grows (a (K + k)%nat) (b (K + k)%nat) (pos x) (pos z) ltac:(lra)) as L.
              apply Rmult_le_compat_l with (r := c (K + k)%nat) in L; auto. lra.
          + apply bsum_more; [lia|]. intros k.
            pose proof (left_of_grows (a (K + k)%nat) (b (K + k)%nat) (pos x) (pos z) ltac:(lra)) as L.
            apply Rmult_le_compat_l with (r := c (K + k)%nat) in L; auto. lra. }
      assert (pos z - pos x = (q - p) * z - (q - p) * x) by (unfold pos; ring). lra. }
  destruct P1 as [n Hn]. pose proof (HK n) as H.
  assert (grown n (pos 1) <= bsum n (fun k => c (K + k)%nat * (b (K + k)%nat - a (K + k)%nat))); [|lra].
  apply bsum_le. intros k _. apply Rmult_le_compat_l; auto.
  pose proof (left_of_bounds (a (K + k)%nat) (b (K + k)%nat) (pos 1) (O _)).
  pose proof (left_of_bounds (a (K + k)%nat) (b (K + k)%nat) p (O _)). lra. Qed.

(* A multiple of a set of length 0. *)
Lemma null_multiple (E : R -> Prop) v : v <> 0 -> null E -> null (fun t => E (t * v)).
Proof. intros Hv N e Hpos. pose proof (Rabs_pos_lt v Hv) as Av.
  destruct (N (e * Rabs v) ltac:(apply Rmult_lt_0_compat; auto)) as (a & b & O & Cover & Len).
  exists (fun k => Rmin (a k / v) (b k / v)), (fun k => Rmax (a k / v) (b k / v)).
  assert (Dist : forall k, Rmax (a k / v) (b k / v) - Rmin (a k / v) (b k / v) = (b k - a k) * / Rabs v).
  { intros k. pose proof (O k).
    replace (Rmax (a k / v) (b k / v) - Rmin (a k / v) (b k / v)) with (Rabs (b k / v - a k / v))
      by (unfold Rmax, Rmin, Rabs; destruct Rle_dec; destruct Rcase_abs; lra).
    replace (b k / v - a k / v) with ((b k - a k) * / v) by (field; auto).
    rewrite Rabs_mult, Rabs_inv, (Rabs_right (b k - a k)) by lra. reflexivity. }
  repeat split.
  - intros k. apply Rle_trans with (a k / v); [apply Rmin_l | apply Rmax_l].
  - intros t Et. destruct (Cover _ Et) as [k Hk]. exists k.
    assert (I : forall c, c / v * v = c) by (intros; field; auto).
    pose proof (I (a k)) as Ia. pose proof (I (b k)) as Ib.
    set (p := a k / v) in *. set (q := b k / v) in *.
    destruct (Rlt_dec 0 v) as [Pv|Nv].
    + assert (p < t) by (apply Rmult_lt_reg_r with v; lra). assert (t < q) by (apply Rmult_lt_reg_r with v; lra).
      unfold Rmin, Rmax. destruct (Rle_dec p q); lra.
    + assert (Nv' : 0 < - v) by lra.
      assert (t < p) by (apply Rmult_lt_reg_r with (- v); lra). assert (q < t) by (apply Rmult_lt_reg_r with (- v); lra).
      unfold Rmin, Rmax. destruct (Rle_dec p q); lra.
  - intros n. rewrite (bsum_ext n _ (fun k => (b k - a k) * / Rabs v)) by (intros; apply Dist).
    rewrite bsum_scalr. apply Rmult_le_reg_r with (Rabs v); auto.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. apply Len. Qed.

Fixpoint bprod (n : nat) (f : nat -> R) : R := match n with O => 1 | S m => bprod m f * f m end.
Lemma bprod_ext n f g : (forall j, (j < n)%nat -> f j = g j) -> bprod n f = bprod n g.
Proof. induction n; simpl; intros H; auto. rewrite IHn, H; auto. Qed.
Lemma bprod_ge0 n f : (forall j, 0 <= f j) -> 0 <= bprod n f.
Proof. intros P. induction n; simpl; [lra | apply Rmult_le_pos; auto]. Qed.
Lemma bprod_extract n r f : (r < n)%nat -> bprod n f = bprod n (fun j => if Nat.eqb j r then 1 else f j) * f r.
Proof. induction n; [lia|]. intros H. simpl. destruct (Nat.eqb_spec n r) as [->|Ne].
  - rewrite (bprod_ext r (fun j => if Nat.eqb j r then 1 else f j) f); [ring|].
    intros j Hj. destruct (Nat.eqb_spec j r); auto; lia.
  - rewrite IHn by lia. ring. Qed.
Lemma bprod_01 n f : (forall j, f j = 0 \/ f j = 1) ->
  bprod n f = 1 /\ (forall j, (j < n)%nat -> f j = 1) \/ bprod n f = 0.
Proof. intros H. induction n as [|n IH]; simpl; [left; split; auto; intros; lia|].
  destruct IH as [[E A]|E]; [|right; rewrite E; ring].
  destruct (H n) as [Z|Z]; [right; rewrite Z; ring|left]. rewrite E, Z. split; [ring|].
  intros j Hj. destruct (Nat.eq_dec j n) as [->|]; auto. apply A. lia. Qed.

Section Several.
Context {V : NormedModule R_AbsRing}.
Variable Omega : V -> Prop.
Hypothesis Omega_open : open Omega.
Variables f Y : V -> R.

(* Where differences match, f and Y have the same derivatives, wherever one of them has any. *)
Theorem lipschitz_differences_to_gradients :
  (forall x z, Omega x -> Omega z -> f x - f z = Y x - Y z) ->
  forall x v l, Omega x -> (ddir f v x l <-> ddir Y v x l).
Proof. intros M x v l Hx. split; intros D.
  - apply (ddir_shift Omega Omega_open Y f v x l (Y x - f x) Hx); auto.
    intros z Hz. pose proof (M z x Hz Hx). lra.
  - apply (ddir_shift Omega Omega_open f Y v x l (f x - Y x) Hx); auto.
    intros z Hz. pose proof (M z x Hz Hx). lra. Qed.

Hypothesis Omega_connected : connected Omega.
Definition lipschitz (g : V -> R) (C : R) :=
  forall x z, Omega x -> Omega z -> Rabs (g x - g z) <= C * norm (minus x z).
Variables A B : R.
Hypothesis lipschitz_f : lipschitz f A.
Hypothesis lipschitz_Y : lipschitz Y B.
Hypothesis A_nonneg : 0 <= A.
Hypothesis B_nonneg : 0 <= B.
Variable exceptional : V -> Prop.
Variables Df DY : V -> V -> R.
Hypothesis gradient_f : forall x v, Omega x -> ~ exceptional x -> ddir f v x (Df v x).
Hypothesis gradient_Y : forall x v, Omega x -> ~ exceptional x -> ddir Y v x (DY v x).
Hypothesis gradients_match : forall x v, Omega x -> ~ exceptional x -> Df v x = DY v x.
Let gap x := f x - Y x.

Lemma gap_lipschitz : lipschitz gap (A + B).
Proof. intros x z Hx Hz. pose proof (lipschitz_f x z Hx Hz). pose proof (lipschitz_Y x z Hx Hz).
  unfold gap. replace (f x - Y x - (f z - Y z)) with ((f x - f z) + - (Y x - Y z)) by ring.
  apply Rle_trans with (1 := Rabs_triang _ _). rewrite Rabs_Ropp. lra. Qed.

Lemma minus_shift (z v : V) (t u : R) :
  minus (plus z (scal t v)) (plus z (scal u v)) = scal (t - u) v.
Proof. unfold minus. rewrite opp_plus, <- (plus_assoc z), (plus_comm (scal t v)), (plus_assoc z).
  rewrite (plus_assoc z (opp z)), plus_opp_r, plus_zero_l, plus_comm.
  change (t - u) with (minus t u : R). symmetry. apply (scal_minus_distr_r t u v). Qed.

(* along one segment within Omega that meets the exceptional set in length 0 *)
Lemma along_segment z v : (forall t, 0 <= t <= 1 -> Omega (plus z (scal t v))) ->
  null (fun t => exceptional (plus z (scal t v))) -> gap (plus z v) = gap z.
Proof. intros Seg Nul. set (h t := gap (plus z (scal t v))).
  assert (E : h 1 = h 0).
  { apply (flat_almost_everywhere h (fun t => exceptional (plus z (scal t v))) ((A + B) * norm v)); auto.
    - apply Rmult_le_pos; [lra | apply norm_ge_0].
    - intros x u Hx Hu. unfold h. apply Rle_trans with (1 := gap_lipschitz _ _ (Seg x Hx) (Seg u Hu)).
      rewrite minus_shift, Rmult_assoc. apply Rmult_le_compat_l; [lra|].
      rewrite (Rmult_comm (norm v)). apply (norm_scal (x - u) v).
    - intros t Ht Good. unfold h, gap.
      replace 0 with (minus (Df v (plus z (scal t v))) (DY v (plus z (scal t v)))).
      + apply (is_derive_minus (fun s : R => f (plus z (scal s v))) (fun s : R => Y (plus z (scal s v))));
          apply along_line; auto.
      + rewrite gradients_match by auto. apply Rminus_diag_eq; auto. }
  unfold h in E.
  replace (plus z (scal (1:R) v)) with (plus z v) in E by (f_equal; symmetry; apply (scal_one v)).
  replace (plus z (scal (0:R) v)) with z in E; auto.
  rewrite (scal_zero_l v : scal (0:R) v = zero). symmetry; apply plus_zero_r. Qed.

(* the same where only parallels as near as one likes do *)
Lemma nearly_along z v rho : 0 < rho ->
  (forall s t, norm s < rho -> 0 <= t <= 1 -> Omega (plus (plus z s) (scal t v))) ->
  (forall eps, 0 < eps -> exists s, norm s < eps
     /\ null (fun t => exceptional (plus (plus z s) (scal t v)))) ->
  gap (plus z v) = gap z.
Proof. intros Hr In Near.
  assert (End : forall s, plus (plus z s) v = plus (plus z v) s).
  { intros s. rewrite <- !plus_assoc. f_equal. apply plus_comm. }
  assert (O : forall s, norm s < rho -> Omega (plus z s) /\ Omega (plus (plus z v) s)).
  { intros s Hs. split.
    - pose proof (In s 0 Hs ltac:(lra)) as I.
      rewrite (scal_zero_l v : scal (0:R) v = zero), plus_zero_r in I. exact I.
    - pose proof (In s 1 Hs ltac:(lra)) as I. rewrite <- End.
      rewrite (scal_one v : scal (1:R) v = v) in I. exact I. }
  assert (O0 : Omega z /\ Omega (plus z v)).
  { destruct (O zero) as [P Q]; [rewrite (norm_zero (V := V)); lra|]. rewrite !plus_zero_r in *. auto. }
  apply Rminus_diag_uniq, Rabs_eq_0, Rle_antisym; [|apply Rabs_pos].
  apply le_epsilon. intros c Hc. rewrite Rplus_0_l.
  set (k := 2 * (A + B) + 1). assert (Kp : 0 < k) by (unfold k; lra).
  destruct (Near (Rmin rho (c / k))) as (s & Hs & Nul).
  { unfold Rmin. destruct Rle_dec; auto. apply Rdiv_lt_0_compat; auto. }
  assert (S1 : norm s < rho) by (apply Rlt_le_trans with (1 := Hs); apply Rmin_l).
  assert (S2 : norm s < c / k) by (apply Rlt_le_trans with (1 := Hs); apply Rmin_r).
  assert (E : gap (plus (plus z v) s) = gap (plus z s)).
  { rewrite <- End. exact (along_segment (plus z s) v (fun t Ht => In s t S1 Ht) Nul). }
  destruct (O s S1) as [O1 O2].
  pose proof (gap_lipschitz _ _ O1 (proj1 O0)) as G1. pose proof (gap_lipschitz _ _ (proj2 O0) O2) as G2.
  assert (M1 : minus (plus z s) z = s).
  { unfold minus. rewrite (plus_comm z), <- plus_assoc, plus_opp_r, plus_zero_r. reflexivity. }
  assert (M2 : minus (plus z v) (plus (plus z v) s) = opp s).
  { unfold minus. rewrite opp_plus, plus_assoc, plus_opp_r, plus_zero_l. reflexivity. }
  rewrite M1 in G1. rewrite M2, norm_opp in G2.
  replace (gap (plus z v) - gap z)
    with ((gap (plus z v) - gap (plus (plus z v) s)) + (gap (plus z s) - gap z)) by lra.
  apply Rle_trans with (1 := Rabs_triang _ _).
  assert (k * norm s <= c).
  { left. apply Rmult_lt_compat_l with (r := k) in S2; auto.
    replace (k * (c / k)) with c in S2 by (field; lra). exact S2. }
  pose proof (norm_ge_0 s). unfold k in H. lra. Qed.

Lemma constant_nearby : (forall u, Omega u -> locally u (fun w => Omega w /\ gap w = gap u)) ->
  forall x z, Omega x -> Omega z -> f x - f z = Y x - Y z.
Proof. intros L x z Hx Hz.
  assert (H : gap x = gap z).
  { destruct (Omega_connected (fun u => Omega u /\ gap u = gap z) (fun u => Omega u /\ gap u <> gap z)) with x
      as [_ K]; auto.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u Hu. destruct (Req_EM_T (gap u) (gap z)); auto.
    - intros u _ [_ P] [_ Q]. auto.
    - exists z. auto. }
  unfold gap in H. lra. Qed.

(* --- coordinates: R^n with any norm --- *)
Variable dim : nat.
Variable axis : nat -> V.
Variable coord : nat -> V -> R.
Fixpoint vsum (n : nat) (g : nat -> V) : V := match n with O => zero | S m => plus (vsum m g) (g m) end.
Definition coordinates :=
  (forall j x z, coord j (plus x z) = coord j x + coord j z)
  /\ (forall j (c : R) x, coord j (scal c x) = c * coord j x)
  /\ (forall i j, (i < dim)%nat -> (j < dim)%nat -> coord j (axis i) = if Nat.eqb i j then 1 else 0)
  /\ (forall x, x = vsum dim (fun j => scal (coord j x) (axis j)))
  /\ exists C, forall j x, Rabs (coord j x) <= C * norm x.
(* Sets of measure 0: at every level m covered by boxes of total volume at most 2^-m. *)
Definition null_boxes (E : V -> Prop) := exists a b : nat * nat -> nat -> R,
  (forall i j, a i j <= b i j)
  /\ (forall m x, E x -> exists k, forall j, (j < dim)%nat -> a (m, k) j < coord j x < b (m, k) j)
  /\ forall m n, bsum n (fun k => bprod dim (fun j => b (m, k) j - a (m, k) j)) <= (/ 2) ^ m.

Hypothesis has_coordinates : coordinates.
Hypothesis almost_everywhere : null_boxes exceptional.

Lemma half_powers n : bsum n (fun m => (/ 2) ^ m) <= 2.
Proof. assert (E : bsum n (fun m => (/ 2) ^ m) = 2 - 2 * (/ 2) ^ n)
    by (induction n; simpl; [ring | rewrite IHn; field]).
  pose proof (pow_lt (/ 2) n ltac:(lra)). lra. Qed.

Lemma coord_vsum i n g : coord i (vsum n g) = bsum n (fun j => coord i (g j)).
Proof. destruct has_coordinates as (P & Sc & _). induction n; simpl.
  - pose proof (Sc i (0 : R) (zero : V)) as E. rewrite Rmult_0_l in E. rewrite <- E.
    f_equal. symmetry. apply (scal_zero_r (K := R_AbsRing) (V := V) (0 : R)).
  - rewrite P, IHn. reflexivity. Qed.
Lemma norm_vsum n g : norm (vsum n g) <= bsum n (fun j => norm (g j)).
Proof. induction n; simpl.
  - rewrite norm_zero. lra.
  - apply Rle_trans with (1 := norm_triangle _ _). lra. Qed.
Let span := bsum dim (fun j => norm (axis j)).
Lemma span_nonneg : 0 <= span.
Proof. apply bsum_ge0. intros. apply norm_ge_0. Qed.
Lemma norm_combination (c : nat -> R) r : 0 <= r -> (forall j, (j < dim)%nat -> Rabs (c j) <= r) ->
  norm (vsum dim (fun j => scal (c j) (axis j))) <= r * span.
Proof. intros Hr H. apply Rle_trans with (1 := norm_vsum _ _). unfold span. rewrite <- bsum_scal.
  apply bsum_le. intros j Hj. apply Rle_trans with (1 := norm_scal (c j) (axis j)).
  apply Rmult_le_compat_r; [apply norm_ge_0 | apply H; auto]. Qed.

(* Near every line parallel to an axis one that meets the exceptional set in length 0. *)
Lemma near_axis i x eps : (i < dim)%nat -> 0 < eps ->
  exists s, norm s < eps /\ null (fun t => exceptional (plus (plus x s) (scal t (axis i)))).
Proof. intros Hi He. destruct almost_everywhere as (a & b & O & Cover & Vol).
  destruct has_coordinates as (Cp & Cs & Ca & _).
  set (lo k := a (of_nat k)). set (hi k := b (of_nat k)).
  set (r := eps / (2 * (span + 1))). pose proof span_nonneg as Sp.
  assert (Rp : 0 < r) by (apply Rdiv_lt_0_compat; lra).
  (* one coordinate after the other, but for the axis *)
  set (factor n (c : nat -> R) k j := if Nat.eqb j i then hi k j - lo k j
     else if Nat.ltb j n then inside (lo k j) (hi k j) (c j) else hi k j - lo k j).
  assert (F0 : forall n c k j, 0 <= factor n c k j).
  { intros n c k j. unfold factor. pose proof (O (of_nat k) j : lo k j <= hi k j).
    destruct (Nat.eqb j i), (Nat.ltb j n); try lra.
    destruct (inside_01 (lo k j) (hi k j) (c j)) as [[-> _]|[-> _]]; lra. }
  assert (Sel : forall n, (n <= dim)%nat -> exists c, (forall j, Rabs (c j - coord j x) <= r)
    /\ exists M, forall N, bsum N (fun k => bprod dim (factor n c k)) <= M).
  { induction n as [|n IH]; intros Hn.
    - exists (fun j => coord j x). split; [intros; rewrite Rminus_eq_0, Rabs_R0; lra|].
      exists 2. intros N.
      apply Rle_trans with (bsum N (fun k => (fun p => bprod dim (fun j => b p j - a p j)) (of_nat k))).
      + right. apply bsum_ext. intros k _. apply bprod_ext. intros j _. unfold factor, lo, hi.
        destruct (Nat.eqb j i); reflexivity.
      + apply Rle_trans with (1 := one_sequence (fun p => bprod dim (fun j => b p j - a p j)) N
          ltac:(intros p; apply bprod_ge0; intros j; pose proof (O p j); lra)).
        apply Rle_trans with (2 := half_powers N). apply bsum_le. intros m _. apply Vol.
    - destruct (IH ltac:(lia)) as (c & Hc & M & HM).
      destruct (Nat.eq_dec n i) as [->|Ne].
      { exists c. split; auto. exists M. intros N. apply Rle_trans with (2 := HM N). right.
        apply bsum_ext. intros k _. apply bprod_ext. intros j _. unfold factor.
        destruct (Nat.eqb_spec j i); auto.
        destruct (Nat.ltb_spec j i), (Nat.ltb_spec j (S i)); auto; lia. }
      set (others k := bprod dim (fun j => if Nat.eqb j n then 1 else factor n c k j)).
      destruct (few_contain others (fun k => lo k n) (fun k => hi k n) M (coord n x - r) (coord n x + r))
        as (z & Hz & M' & HM').
      + intros k. apply bprod_ge0. intros j. destruct (Nat.eqb j n); [lra | apply F0].
      + intros k. apply (O (of_nat k) n).
      + intros N. apply Rle_trans with (2 := HM N). right. apply bsum_ext. intros k _.
        rewrite (bprod_extract dim n (factor n c k)) by lia. unfold others. f_equal.
        unfold factor. destruct (Nat.eqb_spec n i); [lia|]. destruct (Nat.ltb_spec n n); [lia|]. reflexivity.
      + lra.
      + exists (fun j => if Nat.eqb j n then z else c j). split.
        { intros j. destruct (Nat.eqb_spec j n) as [->|]; auto. apply Rabs_le. lra. }
        exists M'. intros N. apply Rle_trans with (2 := HM' N). right. apply bsum_ext. intros k _.
        rewrite (bprod_extract dim n) by lia. unfold others. f_equal.
        * apply bprod_ext. intros j _. destruct (Nat.eqb_spec j n) as [|Nj]; auto. unfold factor.
          destruct (Nat.eqb_spec j i); auto.
          destruct (Nat.ltb_spec j n), (Nat.ltb_spec j (S n)); try lia; auto.
          destruct (Nat.eqb_spec j n); auto; lia.
        * unfold factor. rewrite Nat.eqb_refl. destruct (Nat.eqb_spec n i); [lia|].
          destruct (Nat.ltb_spec n (S n)); [reflexivity | lia]. }
  destruct (Sel dim (le_n dim)) as (c & Hc & M & HM).
  set (shift j := if Nat.eqb j i then 0 else c j - coord j x).
  set (s := vsum dim (fun j => scal (shift j) (axis j))).
  assert (Cj : forall j, (j < dim)%nat -> coord j s = shift j).
  { intros j Hj. unfold s. rewrite coord_vsum.
    rewrite (bsum_ext dim _ (fun l => if Nat.eqb j l then shift l else 0)).
    - apply bsum_single; auto.
    - intros l Hl. rewrite Cs, Ca by auto. rewrite (Nat.eqb_sym l j). destruct (Nat.eqb j l); ring. }
  exists s. split.
  { apply Rle_lt_trans with (r * span).
    - apply norm_combination; [lra|]. intros j Hj. unfold shift. destruct (Nat.eqb j i); auto.
      rewrite Rabs_R0. lra.
    - unfold r. apply Rmult_lt_reg_r with (2 * (span + 1)); [lra|].
      replace (eps / (2 * (span + 1)) * span * (2 * (span + 1))) with (eps * span) by (field; lra).
      assert (0 <= eps * span) by (apply Rmult_le_pos; lra). lra. }
  set (on k := bprod dim (fun j => if Nat.eqb j i then 1 else inside (lo k j) (hi k j) (c j))).
  assert (On : forall k, on k = 1 /\ (forall j, (j < dim)%nat -> j <> i -> lo k j < c j < hi k j)
     \/ on k = 0 /\ ~ (forall j, (j < dim)%nat -> j <> i -> lo k j < c j < hi k j)).
  { intros k. unfold on.
    destruct (classic (forall j, (j < dim)%nat -> j <> i -> lo k j < c j < hi k j)) as [Y1|N1].
    - left. split; auto. rewrite (bprod_ext dim _ (fun _ => 1)).
      + clear. induction dim; simpl; [|rewrite IHn]; ring.
      + intros j Hj. destruct (Nat.eqb_spec j i); auto.
        destruct (inside_01 (lo k j) (hi k j) (c j)) as [[-> _]|[_ Z]]; auto. elim Z. apply Y1; auto.
    - right. split; auto.
      destruct (bprod_01 dim (fun j => if Nat.eqb j i then 1 else inside (lo k j) (hi k j) (c j)))
        as [[_ All]|Z]; auto.
      + intros j. destruct (Nat.eqb j i); auto.
        destruct (inside_01 (lo k j) (hi k j) (c j)) as [[-> _]|[-> _]]; auto.
      + elim N1. intros j Hj Nj. pose proof (All j Hj) as E. cbv beta in E.
        destruct (Nat.eqb_spec j i); [lia|].
        destruct (inside_01 (lo k j) (hi k j) (c j)) as [[_ I]|[Z _]]; auto. lra. }
  assert (W : forall k, bprod dim (factor dim c k) = on k * (hi k i - lo k i)).
  { intros k. rewrite (bprod_extract dim i) by auto. unfold on. f_equal.
    - apply bprod_ext. intros j Hj. unfold factor. destruct (Nat.eqb_spec j i); auto.
      destruct (Nat.ltb_spec j dim); [reflexivity | lia].
    - unfold factor. rewrite Nat.eqb_refl. reflexivity. }
  intros e Hpos.
  destruct (small_tail (fun k => on k * (hi k i - lo k i)) M) with (eps := e) as [K HK]; auto.
  { intros k. rewrite <- W. apply bprod_ge0. auto. }
  { intros N. apply Rle_trans with (2 := HM N). right. apply bsum_ext. intros; symmetry; apply W. }
  exists (fun k => on (K + k)%nat * (lo (K + k)%nat i - coord i x)),
    (fun k => on (K + k)%nat * (hi (K + k)%nat i - coord i x)).
  repeat split.
  - intros k. pose proof (O (of_nat (K + k)) i : lo (K + k)%nat i <= hi (K + k)%nat i).
    destruct (On (K + k)%nat) as [[-> _]|[-> _]]; lra.
  - intros t Et. destruct (Cover K _ Et) as [k Hk].
    pose proof (to_nat_non_decreasing K k) as Big. set (n := to_nat (K, k)) in *.
    assert (At : forall j, (j < dim)%nat -> lo n j < coord j (plus (plus x s) (scal t (axis i))) < hi n j).
    { intros j Hj. unfold lo, hi, n. rewrite cancel_of_to. apply Hk; auto. }
    exists (n - K)%nat. replace (K + (n - K))%nat with n by lia.
    assert (Val : forall j, (j < dim)%nat -> coord j (plus (plus x s) (scal t (axis i)))
      = coord j x + shift j + t * (if Nat.eqb i j then 1 else 0)).
    { intros j Hj. rewrite !Cp, Cs, Ca, Cj by auto. reflexivity. }
    destruct (On n) as [[-> _]|[_ No]].
    + pose proof (At i Hi) as I. rewrite Val in I by auto. unfold shift in I. rewrite Nat.eqb_refl in I. lra.
    + elim No. intros j Hj Nj. pose proof (At j Hj) as J. rewrite Val in J by auto. unfold shift in J.
      destruct (Nat.eqb_spec j i); [lia|]. destruct (Nat.eqb_spec i j); [lia|]. lra.
  - intros N. apply Rle_trans with (2 := HK N). right. apply bsum_ext. intros k _. cbv beta. ring. Qed.

Theorem lipschitz_gradients_to_differences x z : Omega x -> Omega z -> f x - f z = Y x - Y z.
Proof. apply constant_nearby. intros u Hu.
  destruct has_coordinates as (Cp & Cs & Ca & Ce & C & Cb).
  destruct (locally_norm_le_locally u Omega (Omega_open u Hu)) as [e He]. pose proof (cond_pos e) as Ep.
  pose proof span_nonneg as Sp. set (r := e / (2 * (span + 1))).
  assert (Rp : 0 < r) by (apply Rdiv_lt_0_compat; lra).
  assert (Rs : r * span < e / 2).
  { apply Rmult_lt_reg_r with (2 * (span + 1)); [lra|]. unfold r.
    replace (e / (2 * (span + 1)) * span * (2 * (span + 1))) with (e * span) by (field; lra). 
    assert (0 < e) by lra. assert (0 <= e * span) by (apply Rmult_le_pos; lra). lra. }
  set (bound := Rmax C 0 + 1). assert (Bp : 0 < bound) by (unfold bound; pose proof (Rmax_r C 0); lra).
  assert (Small : 0 < r / bound) by (apply Rdiv_lt_0_compat; auto).
  apply locally_le_locally_norm. exists (mkposreal _ Small). intros w Hw. unfold ball_norm in Hw. simpl in Hw.
  set (c j := coord j (minus w u)).
  assert (Hc : forall j, Rabs (c j) <= r).
  { intros j. apply Rle_trans with (1 := Cb j (minus w u)).
    apply Rle_trans with (bound * norm (minus w u)).
    - apply Rmult_le_compat_r; [apply norm_ge_0|]. unfold bound. pose proof (Rmax_l C 0). lra.
    - left. apply Rmult_lt_compat_l with (r := bound) in Hw; auto.
      replace (bound * (r / bound)) with r in Hw by (field; lra). exact Hw. }
  set (way n := plus u (vsum n (fun j => scal (c j) (axis j)))).
  assert (Part : forall n (t : R), (n < dim)%nat -> 0 <= t <= 1 ->
    norm (plus (vsum n (fun j => scal (c j) (axis j))) (scal (t * c n) (axis n))) <= r * span).
  { intros n t Hn Ht.
    set (d j := if Nat.ltb j n then c j else if Nat.eqb j n then t * c n else 0).
    assert (E : forall l, vsum l (fun j => scal (d j) (axis j))
      = if Nat.leb l n then vsum l (fun j => scal (c j) (axis j))
        else plus (vsum n (fun j => scal (c j) (axis j))) (scal (t * c n) (axis n))).
    { induction l as [|l IH]; auto. change (vsum (S l) (fun j => scal (d j) (axis j)))
        with (plus (vsum l (fun j => scal (d j) (axis j))) (scal (d l) (axis l))). rewrite IH. unfold d at 1.
      destruct (Nat.leb_spec l n); destruct (Nat.leb_spec (S l) n); destruct (Nat.ltb_spec l n);
        destruct (Nat.eqb_spec l n); try lia; subst; auto.
      rewrite (scal_zero_l (axis l) : scal (0:R) (axis l) = zero). apply plus_zero_r. }
    pose proof (E dim) as Ed. destruct (Nat.leb_spec dim n); [lia|]. rewrite <- Ed.
    apply norm_combination; [lra|]. intros j Hj. unfold d.
    destruct (Nat.ltb j n); auto. destruct (Nat.eqb j n); [|rewrite Rabs_R0; lra].
    rewrite Rabs_mult, (Rabs_right t) by lra. pose proof (Hc n). pose proof (Rabs_pos (c n)).
    apply Rle_trans with (1 * Rabs (c n)); [apply Rmult_le_compat_r; lra | lra]. }
  assert (Step : forall n, (n < dim)%nat -> gap (way (S n)) = gap (way n)).
  { intros n Hn. unfold way at 1. simpl. rewrite plus_assoc. fold (way n).
    destruct (Req_dec (c n) 0) as [Z|NZ].
    { rewrite Z, (scal_zero_l (axis n) : scal (0:R) (axis n) = zero), plus_zero_r. reflexivity. }
    apply (nearly_along (way n) (scal (c n) (axis n)) (e / 2)); [lra| |].
    - intros s t Hs Ht. apply He. unfold ball_norm.
      replace (minus (plus (plus (way n) s) (scal t (scal (c n) (axis n)))) u)
        with (plus s (plus (vsum n (fun j => scal (c j) (axis j))) (scal (t * c n) (axis n)))).
      + apply Rle_lt_trans with (1 := norm_triangle _ _). pose proof (Part n t Hn Ht). lra.
      + unfold way, minus. rewrite (scal_assoc t (c n) (axis n)). change (mult t (c n)) with (t * c n).
        set (q := scal (t * c n) (axis n)). set (p := vsum n (fun j => scal (c j) (axis j))).
        rewrite (plus_comm (plus (plus (plus u p) s) q) (opp u)), !plus_assoc, plus_opp_l, plus_zero_l.
        rewrite (plus_comm p s). reflexivity.
    - intros eps Heps. destruct (near_axis n (way n) eps Hn Heps) as (s & Hs & Nul). exists s. split; auto.
      intros eps' Heps'.
      destruct (null_multiple _ (c n) NZ Nul eps' Heps') as (a & b & O & Cover & Len).
      exists a, b. split; [|split]; auto. intros t Et. apply Cover.
      rewrite (scal_assoc t (c n) (axis n)) in Et. exact Et. }
  assert (Ends : way dim = w).
  { unfold way, c. rewrite <- Ce. unfold minus.
    rewrite (plus_comm w), plus_assoc, plus_opp_r, plus_zero_l. reflexivity. }
  assert (Start : way 0%nat = u) by (unfold way; simpl; apply plus_zero_r).
  split.
  - apply He. unfold ball_norm. rewrite (Ce (minus w u)).
    apply Rle_lt_trans with (1 := norm_combination c r ltac:(lra) (fun j _ => Hc j)). lra.
  - rewrite <- Ends, <- Start.
    assert (All : forall n, (n <= dim)%nat -> gap (way n) = gap (way 0%nat)); [|apply All; lia].
    induction n; auto. intros Hn. rewrite Step by lia. apply IHn. lia. Qed.
End Several.

(* The line and the plane have coordinates. *)
Theorem line_has_coordinates : coordinates (V := R_NormedModule) 1 (fun _ => 1) (fun _ x => x).
Proof. repeat split.
  - intros i j Hi Hj. replace i with j by lia. rewrite Nat.eqb_refl. reflexivity.
  - intros x. change ((x : R) = 0 + x * 1). rewrite Rplus_0_l, Rmult_1_r. reflexivity.
  - exists 1. intros j x. rewrite Rmult_1_l. apply Rle_refl. Qed.
Definition plane := prod_NormedModule R_AbsRing R_NormedModule R_NormedModule.
Theorem plane_has_coordinates : coordinates (V := plane) 2
  (fun j => match j with O => (1, 0) | _ => (0, 1) end) (fun j x => match j with O => fst x | _ => snd x end).
Proof.
  assert (parts : forall x y : R, x = 0 + x * 1 + y * 0 /\ y = 0 + x * 0 + y * 1) by (split; ring).
  repeat split.
  - intros j x z. destruct j; reflexivity.
  - intros j c x. destruct j; reflexivity.
  - intros i j Hi Hj. destruct i as [|[|i]]; destruct j as [|[|j]]; try lia; reflexivity.
  - intros [x y]. apply (f_equal2 (fun u v : R => (u, v) : plane)).
    + exact (proj1 (parts x y)).
    + exact (proj2 (parts x y)).
  - exists 1. intros j [x y]. rewrite Rmult_1_l.
    pose proof (proj1 (norm_prod (K := R_AbsRing) (U := R_NormedModule) (V := R_NormedModule) (x : R) (y : R))) as N.
    destruct j; [apply Rle_trans with (2 := Rle_trans _ _ _ (Rmax_l _ _) N)
      | apply Rle_trans with (2 := Rle_trans _ _ _ (Rmax_r _ _) N)]; apply Rle_refl. Qed.
