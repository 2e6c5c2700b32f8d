(* Theorem 4 for Lipschitz functions, whose gradients exist almost everywhere. That almost every
   parallel of a segment meets the exceptional set in length 0 (Fubini's theorem) is a hypothesis in
   several variables and proved in one. That the exceptional set is small at all is Rademacher's
   theorem, which is not proved here. *)
From Coq Require Import Reals Lra Lia Classical.
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
(* Near every segment is a parallel that meets the set in length 0. *)
Definition thin (B : V -> Prop) := forall (x v : V) (eps : R), v <> zero -> 0 < eps ->
  exists s, norm s < eps /\ null (fun t => B (plus (plus x s) (scal t v))).

Variables A B : R.
Hypothesis lipschitz_f : lipschitz f A.
Hypothesis lipschitz_Y : lipschitz Y B.
Hypothesis A_nonneg : 0 <= A.
Hypothesis B_nonneg : 0 <= B.
Variable exceptional : V -> Prop.
Hypothesis almost_everywhere : thin exceptional.
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

Theorem lipschitz_gradients_to_differences x z : Omega x -> Omega z -> f x - f z = Y x - Y z.
Proof. intros Hx Hz.
  assert (L : forall u, Omega u -> locally u (fun w => Omega w /\ gap w = gap u)).
  { intros u Hu. destruct (locally_norm_le_locally u Omega (Omega_open u Hu)) as [e He].
    assert (Half : 0 < e / 2) by (pose proof (cond_pos e); lra).
    apply locally_le_locally_norm. exists (mkposreal _ Half). intros w Hw.
    unfold ball_norm in Hw. simpl in Hw.
    assert (In : forall s t, norm s < e / 2 -> 0 <= t <= 1 -> Omega (plus (plus u s) (scal t (minus w u)))).
    { intros s t Hs Ht. apply He. unfold ball_norm.
      replace (minus (plus (plus u s) (scal t (minus w u))) u) with (plus s (scal t (minus w u))).
      - apply Rle_lt_trans with (1 := norm_triangle _ _).
        assert (norm (scal t (minus w u)) <= norm (minus w u)).
        { apply Rle_trans with (1 := norm_scal t (minus w u)).
          change (abs t) with (Rabs t). rewrite Rabs_right by lra.
          rewrite <- (Rmult_1_l (norm (minus w u))) at 2.
          apply Rmult_le_compat_r; [apply norm_ge_0 | lra]. } lra.
      - unfold minus. rewrite <- (plus_assoc u), (plus_comm u), <- (plus_assoc _ u), plus_opp_r, plus_zero_r.
        reflexivity. }
    assert (Ow : Omega w).
    { pose proof (In zero 1 ltac:(rewrite (norm_zero (V := V)); lra) ltac:(lra)) as I.
      rewrite plus_zero_r, (scal_one (minus w u) : scal (1:R) (minus w u) = minus w u) in I.
      unfold minus in I. rewrite (plus_comm w), plus_assoc, plus_opp_r, plus_zero_l in I. exact I. }
    split; auto.
    destruct (classic (minus w u = zero)) as [Same|Diff].
    { f_equal. rewrite <- (plus_zero_r u), <- Same. unfold minus.
      rewrite (plus_comm w), plus_assoc, plus_opp_r, plus_zero_l. reflexivity. }
    apply Rminus_diag_uniq, Rabs_eq_0, Rle_antisym; [|apply Rabs_pos].
    apply le_epsilon. intros c Hc. rewrite Rplus_0_l.
    set (k := 2 * (A + B) + 1). assert (Kp : 0 < k) by (unfold k; lra).
    destruct (almost_everywhere u (minus w u) (Rmin (e / 2) (c / k)) Diff) as (s & Hs & Nul).
    { unfold Rmin. destruct Rle_dec; auto. apply Rdiv_lt_0_compat; auto. }
    assert (S1 : norm s < e / 2) by (apply Rlt_le_trans with (1 := Hs); apply Rmin_l).
    assert (S2 : norm s < c / k) by (apply Rlt_le_trans with (1 := Hs); apply Rmin_r).
    assert (End : plus (plus u s) (minus w u) = plus w s).
    { unfold minus. rewrite (plus_comm u s), <- (plus_assoc s), (plus_comm w), (plus_assoc u), plus_opp_r,
        plus_zero_l. apply plus_comm. }
    assert (E : gap (plus w s) = gap (plus u s)).
    { rewrite <- End. exact (along_segment (plus u s) (minus w u) (fun t Ht => In s t S1 Ht) Nul). }
    assert (O1 : Omega (plus u s)).
    { pose proof (In s 0 S1 ltac:(lra)) as I.
      rewrite (scal_zero_l (minus w u) : scal (0:R) (minus w u) = zero), plus_zero_r in I. exact I. }
    assert (O2 : Omega (plus w s)).
    { pose proof (In s 1 S1 ltac:(lra)) as I.
      rewrite (scal_one (minus w u) : scal (1:R) (minus w u) = minus w u), End in I. exact I. }
    pose proof (gap_lipschitz _ _ O1 Hu) as G1. pose proof (gap_lipschitz _ _ Ow O2) as G2.
    assert (M1 : minus (plus u s) u = s).
    { unfold minus. rewrite (plus_comm u), <- plus_assoc, plus_opp_r, plus_zero_r. reflexivity. }
    assert (M2 : minus w (plus w s) = opp s).
    { unfold minus. rewrite opp_plus, plus_assoc, plus_opp_r, plus_zero_l. reflexivity. }
    rewrite M1 in G1. rewrite M2, norm_opp in G2.
    replace (gap w - gap u) with ((gap w - gap (plus w s)) + (gap (plus u s) - gap u)) by lra.
    apply Rle_trans with (1 := Rabs_triang _ _).
    assert (k * norm s <= c).
    { left. apply Rmult_lt_compat_l with (r := k) in S2; auto.
      replace (k * (c / k)) with c in S2 by (field; lra). exact S2. }
    pose proof (norm_ge_0 s). unfold k in H. lra. }
  assert (H : gap x = gap z).
  { destruct (Omega_connected (fun u => Omega u /\ gap u = gap z) (fun u => Omega u /\ gap u <> gap z)) with x
      as [_ K]; auto.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u Hu. destruct (Req_EM_T (gap u) (gap z)); auto.
    - intros u _ [_ P] [_ Q]. auto.
    - exists z. auto. }
  unfold gap in H. lra. Qed.
End Several.

(* In one variable a set of length 0 is thin: its parallels are images of it. *)
Lemma null_is_thin (E : R -> Prop) : null E -> thin (V := R_NormedModule) E.
Proof. intros N x v eps Hv He. exists zero. split; [rewrite norm_zero; auto|].
  intros e Hpos. change (v <> 0) in Hv. pose proof (Rabs_pos_lt v Hv) as Av.
  destruct (N (e * Rabs v) ltac:(apply Rmult_lt_0_compat; auto)) as (a & b & O & Cover & Len).
  exists (fun k => Rmin ((a k - x) / v) ((b k - x) / v)), (fun k => Rmax ((a k - x) / v) ((b k - x) / v)).
  assert (Dist : forall k, Rmax ((a k - x) / v) ((b k - x) / v) - Rmin ((a k - x) / v) ((b k - x) / v)
    = (b k - a k) * / Rabs v).
  { intros k. pose proof (O k).
    replace (Rmax ((a k - x) / v) ((b k - x) / v) - Rmin ((a k - x) / v) ((b k - x) / v))
      with (Rabs ((b k - x) / v - (a k - x) / v))
      by (unfold Rmax, Rmin, Rabs; destruct Rle_dec; destruct Rcase_abs; lra).
    replace ((b k - x) / v - (a k - x) / v) with ((b k - a k) * / v) by (field; auto).
    rewrite Rabs_mult, Rabs_inv, (Rabs_right (b k - a k)) by lra. reflexivity. }
  repeat split.
  - intros k. apply Rle_trans with ((a k - x) / v); [apply Rmin_l | apply Rmax_l].
  - intros t Et. change (E ((x + 0) + t * v)) in Et. destruct (Cover _ Et) as [k Hk]. exists k.
    replace (x + 0 + t * v) with (x + t * v) in Hk by ring.
    assert (I : forall c, (c - x) / v * v = c - x) by (intros; field; auto).
    pose proof (I (a k)) as Ia. pose proof (I (b k)) as Ib.
    set (p := (a k - x) / v) in *. set (q := (b k - x) / v) in *.
    destruct (Rlt_dec 0 v) as [Pv|Nv].
    + assert (p < t) by (apply Rmult_lt_reg_r with v; lra). assert (t < q) by (apply Rmult_lt_reg_r with v; lra).
      unfold Rmin, Rmax. destruct (Rle_dec p q); lra.
    + assert (Nv' : 0 < - v) by lra.
      assert (t < p) by (apply Rmult_lt_reg_r with (- v); lra). assert (q < t) by (apply Rmult_lt_reg_r with (- v); lra).
      unfold Rmin, Rmax. destruct (Rle_dec p q); lra.
  - intros n. rewrite (bsum_ext n _ (fun k => (b k - a k) * / Rabs v)) by (intros; apply Dist).
    rewrite bsum_scalr. apply Rmult_le_reg_r with (Rabs v); auto.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. apply Len. Qed.
